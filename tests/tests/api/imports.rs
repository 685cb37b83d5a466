//! OpenAPI documents as data types, over the API.

use serde_json::json;
use tests::world::{World, sample};

/// A provider's document becomes its data type, and an agreement can name it.
#[tokio::test]
async fn a_providers_openapi_document_becomes_its_data_type() {
    let world = World::consumer_and_provider().start().await;
    let agency = world.program(&world.agency);
    let street =
        json!({ "type": "object", "properties": { "code": { "type": "string", "nullable": true } } });
    let document = json!({
        "openapi": "3.0.3", "info": { "title": "Streets", "version": "1" },
        "paths": { "/streets/{code}": { "get": {
            "operationId": "findStreet", "parameters": [{ "name": "code", "in": "path", "required": true }],
            "responses": { "200": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Street" } } } } },
        }, "trace": {} } },
        "components": { "schemas": { "Street": street } },
    });
    let asked = |document| json!({ "document": document, "provider": sample::REGISTER, "id": "streets", "category": "restricted" });
    let told = agency.post("/v1/data-types/import", &asked(document)).await;
    assert_eq!(told.outcome(), "200");
    let imported = told.json();
    assert_eq!(imported["left_out"][0]["place"], "/paths/~1streets~1{code}/trace");
    assert_eq!(
        (&imported["data_type"]["version"], &imported["data_type"]["title"]),
        (&json!(1), &json!("Streets"))
    );
    assert_eq!(agency.get("/v1/data-types/address-register/streets").await.outcome(), "404 not-found");
    let publish = json!({ "data_type": imported["data_type"] });
    assert_eq!(agency.command("publish-data-type", publish).await.outcome(), "200");
    let shown = agency.get("/v1/data-types/address-register/streets").await.json();
    assert_eq!(shown["versions"][0]["operations"][0]["id"], "find-street");

    let nothing = agency
        .post(
            "/v1/data-types/import",
            &asked(json!({ "openapi": "3.1.0", "paths": {
        "/a": { "get": { "responses": { "200": { "content": { "application/json": {
            "schema": { "$ref": "https://elsewhere.example/schema.json" } } } } } } } } })),
        )
        .await;
    assert_eq!(nothing.outcome(), "422 document-unusable");
    assert!(nothing.json()["problems"][0]["why"].as_str().unwrap().contains("nothing is fetched"));
    for (document, outcome) in
        [(json!({}), "422 document-unusable"), (json!({ "swagger": "2.0" }), "422 document-unusable")]
    {
        assert_eq!(agency.post("/v1/data-types/import", &asked(document)).await.outcome(), outcome);
    }
}

/// The document as text, in YAML; what its parameters must be is held against calls.
#[tokio::test]
async fn a_document_in_yaml_is_imported_as_text() {
    let world = World::consumer_and_provider().start().await;
    let agency = world.program(&world.agency);
    let document = "openapi: 3.1.0\npaths:\n  /streets:\n    get:\n      parameters:\n        - {name: page, in: query, \
                    schema: {type: integer}}\n      responses:\n        200: {description: Done}\n";
    let asked = json!({ "document": document, "provider": sample::REGISTER, "id": "streets", "category": "restricted" });
    let told = agency.post("/v1/data-types/import", &asked).await;
    assert_eq!(told.outcome(), "200");
    let operation = &told.json()["data_type"]["operations"][0];
    assert_eq!(operation["query"][0]["schema"], json!({ "type": "integer" }));
    let wrong = json!({ "document": "a: [", "provider": sample::REGISTER, "id": "streets", "category": "restricted" });
    assert_eq!(agency.post("/v1/data-types/import", &wrong).await.outcome(), "422 document-unusable");
}
