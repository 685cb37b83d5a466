//! Documents as they are published, and as a hostile holder would write them.

use serde_json::json;

use super::*;
use crate::payload::{Limits, Schema};

fn naming() -> Naming {
    Naming {
        provider: SystemId::new("personnel").unwrap(),
        id: DataTypeId::new("persons").unwrap(),
        version: 1,
        title: None,
        category: Category::Restricted,
    }
}

fn person(version: &str, person: Value) -> Value {
    json!({
        "openapi": version, "info": { "title": "Persons", "version": "1" }, "servers": [{ "url": "https://here" }],
        "paths": { "/persons/{iin}": {
            "parameters": [{ "name": "iin", "in": "path", "required": true, "schema": { "type": "string" } }],
            "get": {
                "operationId": "getPersonByIin", "tags": ["Persons"],
                "parameters": [
                    { "$ref": "#/components/parameters/lang" },
                    { "name": "page", "in": "query", "required": true },
                    { "name": "X-Trace", "in": "header" },
                ],
                "responses": { "404": { "description": "None" }, "200": { "$ref": "#/components/responses/Person" } },
            },
        } },
        "components": {
            "parameters": { "lang": { "name": "lang", "in": "query" } },
            "responses": { "Person": { "content": {
                "application/json; charset=utf-8": { "schema": { "$ref": "#/components/schemas/Person" } },
                "application/xml": {},
            } } },
            "schemas": { "Person": person },
        },
    })
}

fn fits(imported: &Imported, body: Value) -> bool {
    let schema = &imported.data_type.operations[0].response.as_ref().unwrap().schema;
    Schema::compile(&schema.value(), Limits::default()).unwrap().check(body.to_string().as_bytes()).is_ok()
}

#[test]
fn paths_parameters_and_answers_become_operations_and_the_rest_is_listed() {
    let imported = import(&person("3.1.0", json!({ "type": "object" })), naming()).unwrap();
    let operation = &imported.data_type.operations[0];
    assert_eq!((operation.id.as_str(), operation.path.as_str()), ("get-person-by-iin", "/persons/{iin}"));
    assert_eq!((operation.logical_part.as_str(), imported.data_type.title.as_str()), ("Persons", "Persons"));
    let query =
        json!([{ "name": "lang", "presence": "optional" }, { "name": "page", "presence": "required" }]);
    assert_eq!(serde_json::to_value(&operation.query).unwrap(), query);
    assert_eq!(operation.response.as_ref().unwrap().media_type, "application/json");
    let places: Vec<&str> = imported.left_out.iter().map(|one| one.place.as_str()).collect();
    let path = "/paths/~1persons~1{iin}/get";
    let expected = [
        "/servers",
        &format!("{path}/parameters/2"),
        &format!("{path}/responses/200/content/application~1xml"),
    ];
    assert_eq!(places, expected);
}

/// C3: what 3.0 says otherwise than JSON Schema is said as JSON Schema.
#[test]
fn schemas_of_three_zero_mean_what_they_meant() {
    let schema = json!({
        "type": "object", "required": ["age", "secret"], "nullable": true,
        "properties": {
            "age": { "type": "integer", "format": "int32", "minimum": 0, "exclusiveMinimum": true },
            "name": { "type": "string", "nullable": true, "enum": ["A", "B"], "example": "A" },
            "secret": { "type": "string", "writeOnly": true },
            "boss": { "nullable": true, "allOf": [{ "$ref": "#/components/schemas/Person" }] },
            "photo": { "type": "string", "format": "binary" },
        },
    });
    let imported = import(&person("3.0.3", schema), naming()).unwrap();
    for (body, outcome) in [
        (json!({ "age": 1 }), true),
        (json!(null), true),
        (json!({ "age": 0 }), false),
        (json!({ "age": 3_000_000_000_u32 }), false),
        (json!({ "age": 1, "name": null }), true),
        (json!({ "age": 1, "name": "C" }), false),
        (json!({ "age": 1, "boss": null }), true),
        (json!({ "age": 1, "boss": { "age": 2, "boss": { "age": 3 } } }), true),
        (json!({ "age": 1, "boss": { "age": "two" } }), false),
    ] {
        assert_eq!(fits(&imported, body.clone()), outcome, "{body}");
    }
    assert!(imported.left_out.iter().any(|one| one.why.contains("binary")));
}

#[test]
fn schemas_of_three_one_are_taken_as_they_are() {
    let schema = json!({
        "type": ["object", "null"], "required": ["id"], "unevaluatedProperties": false, "x-own": 1, "example": {},
        "properties": { "id": { "$ref": "#/components/schemas/Person/properties/code", "maxLength": 3 },
                        "code": { "type": "string", "minLength": 2 } },
    });
    let imported = import(&person("3.1.0", schema), naming()).unwrap();
    assert!(fits(&imported, json!({ "id": "abc" })) && fits(&imported, json!(null)));
    for wrong in [json!({ "id": "a" }), json!({ "id": "abcd" }), json!({ "id": "abc", "more": 1 })] {
        assert!(!fits(&imported, wrong.clone()), "{wrong}");
    }
}

/// Nothing is fetched, nothing is endless, and what cannot be taken says why.
#[test]
fn an_operation_that_cannot_be_taken_says_why() {
    for (schema, why) in [
        (json!({ "$ref": "https://evil.example/a.json" }), "leaves the document"),
        (json!({ "$ref": "other.json#/a" }), "leaves the document"),
        (json!({ "$ref": "#/components/schemas/Nobody" }), "leads nowhere"),
        (json!({ "$ref": "#/components/schemas/Person" }), "its schema cannot be used"),
        (json!({ "properties": { "a": { "$dynamicRef": "#a" } } }), "is not taken"),
        (json!({ "pattern": "(?=a)" }), "its schema cannot be used"),
        (json!({ "type": "whatever" }), "its schema cannot be used"),
        (json!({ "properties": 1 }), "stands no object"),
        (json!(7), "stands no schema"),
    ] {
        let refused = import(&person("3.1.0", schema.clone()), naming());
        let Err(ImportError::Nothing(left_out)) = refused else { panic!("{schema}: {refused:?}") };
        assert!(left_out.iter().any(|one| one.why.contains(why)), "{schema}: {left_out:?}");
    }
}

#[test]
fn hostile_documents_end_in_an_error() {
    let deep = format!("{}1{}", "[".repeat(120), "]".repeat(120));
    let deep = format!("{{\"openapi\":\"3.1.0\",\"x\":{deep}}}");
    assert!(matches!(read(deep.as_bytes(), naming()), Err(ImportError::TooDeep)));
    let deeper = "[".repeat(100_000);
    assert!(matches!(read(deeper.as_bytes(), naming()), Err(ImportError::NotJson(_))));
    assert!(matches!(read(&vec![b' '; MOST_BYTES + 1], naming()), Err(ImportError::TooLarge)));
    for other in
        [json!({ "swagger": "2.0" }), json!({ "openapi": "4.0.0" }), json!([]), json!({ "openapi": 3.1 })]
    {
        assert!(matches!(import(&other, naming()), Err(ImportError::Version(_))), "{other}");
    }
    let empty = json!({ "openapi": "3.1.0", "paths": 7 });
    assert!(matches!(import(&empty, naming()), Err(ImportError::Nothing(_))));
    // Responses, parameters and path items that refer to themselves.
    let mut round = person("3.1.0", json!({}));
    round["components"]["responses"]["Person"] = json!({ "$ref": "#/components/responses/Person" });
    assert!(matches!(import(&round, naming()), Err(ImportError::Nothing(_))));
    // Each of many schemas refers to all of them: references are carried over, not unfolded.
    let many: serde_json::Map<String, Value> = (0..300)
        .map(|at| {
            let all: Vec<Value> =
                (0..300).map(|of| json!({ "$ref": format!("#/components/schemas/S{of}") })).collect();
            (format!("S{at}"), json!({ "properties": { "a": { "anyOf": all } } }))
        })
        .collect();
    let mut wide = person("3.1.0", json!({ "$ref": "#/components/schemas/S0" }));
    wide["components"]["schemas"].as_object_mut().unwrap().extend(many);
    assert!(matches!(import(&wide, naming()), Err(ImportError::Nothing(_))), "too large to be checked");
}

#[test]
fn names_are_codes_and_none_stands_twice() {
    let mut twice = person("3.0.0", json!({}));
    let get = twice["paths"]["/persons/{iin}"]["get"].clone();
    let bare = json!({ "get": { "responses": {} }, "trace": {}, "post": {
        "requestBody": { "content": { "text/plain": {} } }, "responses": {},
    } });
    twice["paths"]["/others/{iin}"] = json!({ "get": get, "delete": { "responses": { "204": {} } } });
    twice["paths"]["/a/b"] = bare;
    twice["paths"]["/a{b}"] = json!({ "get": {} });
    let imported = import(&twice, naming()).unwrap();
    let ids: Vec<&str> = imported.data_type.operations.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), ids.len());
    for id in ["get-a-b", "delete-others-iin", "get-person-by-iin", "get-person-by-iin-2"] {
        assert!(ids.contains(&id), "{id}: {ids:?}");
    }
    let why: Vec<&str> = imported.left_out.iter().map(|one| one.why.as_str()).collect();
    assert!(why.contains(&"its payload is not JSON") && why.contains(&"such a method is not exchanged"));
    assert!(why.iter().any(|one| one.starts_with("a path template is")), "{why:?}");
}

/// The same document in JSON and in YAML is the same data type: statuses are names, and words are words.
#[test]
fn a_document_in_yaml_is_read_as_in_json() {
    let yaml = r#"
openapi: 3.1.0
info: { title: Streets, version: "1" }
paths:
  /streets/{code}:
    parameters:
      - { name: code, in: path, required: true, schema: { type: string, pattern: '^[0-9]+$' } }
    get:
      operationId: findStreet
      parameters:
        - name: page
          in: query
          schema: &page { type: integer, minimum: 1 }
        - { name: size, in: query, schema: *page }
      responses:
        200:
          content:
            application/json:
              schema: { type: object, properties: { kind: { enum: [no, street] }, built: { type: string, example: 2020-01-01 } } }
"#;
    let imported = read(yaml.as_bytes(), naming()).unwrap();
    assert_eq!(imported.left_out, []);
    let operation = &imported.data_type.operations[0];
    assert_eq!(operation.places["code"].value(), json!({ "type": "string", "pattern": "^[0-9]+$" }));
    let page = json!({ "type": "integer", "minimum": 1 });
    assert_eq!(
        operation
            .query
            .iter()
            .map(|one| one.schema.as_ref().map(agreements::JsonText::value))
            .collect::<Vec<_>>(),
        [Some(page.clone()), Some(page)]
    );
    let schema = operation.response.as_ref().unwrap().schema.value();
    assert_eq!(schema["properties"]["kind"]["enum"], json!(["no", "street"]));
    assert_eq!(operation.parameters_fault(), None);
}

/// Whoever uploads a document may mean harm.
#[test]
fn yaml_that_grows_nests_or_says_things_twice_is_refused() {
    let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x, x]\n");
    for (name, before) in ["b", "c", "d", "e", "f", "g", "h"].iter().zip(["a", "b", "c", "d", "e", "f", "g"])
    {
        let many = vec![format!("*{before}"); 10].join(", ");
        bomb.push_str(&format!("{name}: &{name} [{many}]\n"));
    }
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 90].join(", "));
    for (harm, what) in [
        (bomb, "aliases of aliases"),
        (long, "a long text many times"),
        (format!("a: {}1{}", "[".repeat(5_000), "]".repeat(5_000)), "depth"),
        ("- ".repeat(5_000), "depth without brackets"),
        ("openapi: 3.1.0\nopenapi: 3.0.0\n".into(), "a name twice"),
        ("a: b\n---\nc: d\n".into(), "two documents"),
        ("a: [b\n".into(), "no end"),
        ("\u{0}".into(), "no text"),
        ("a: *nothing\n".into(), "an alias of nothing"),
    ] {
        let refused = read(harm.as_bytes(), naming());
        assert!(
            matches!(refused, Err(ImportError::NotYaml(_) | ImportError::TooDeep)),
            "{what}: {refused:?}"
        );
    }
    assert!(matches!(read(b"a text", naming()), Err(ImportError::Version(_))));
    assert!(matches!(read(b"{\"openapi\": ", naming()), Err(ImportError::NotJson(_))));
    assert!(matches!(read(&[0xff, 0xfe, b'a'], naming()), Err(ImportError::NotYaml(_))));
}

/// A parameter that is no scalar passes as text, and that is said.
#[test]
fn parameters_of_other_forms_are_named_as_unchecked() {
    let mut document = person("3.0.3", json!({ "type": "object" }));
    document["paths"]["/persons/{iin}"]["get"]["parameters"] = json!([
        { "name": "ids", "in": "query", "schema": { "type": "array", "items": { "type": "string" } } },
        { "name": "either", "in": "query", "schema": { "oneOf": [{ "type": "string" }, { "type": "integer" }] } },
        { "name": "kind", "in": "query", "schema": { "$ref": "#/components/schemas/Kind" } },
    ]);
    document["components"]["schemas"]["Kind"] = json!({ "type": "string", "enum": ["a", "b"] });
    let imported = import(&document, naming()).unwrap();
    let unchecked: Vec<&str> = imported
        .left_out
        .iter()
        .filter(|one| one.why == "its form is not checked: it passes as text")
        .map(|one| one.place.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(unchecked, ["0", "1"]);
    let query = &imported.data_type.operations[0].query;
    assert_eq!(query[2].schema, Some(json!({ "type": "string", "enum": ["a", "b"] }).into()));
    assert_eq!((&query[0].schema, &query[1].schema), (&None, &None));
}
