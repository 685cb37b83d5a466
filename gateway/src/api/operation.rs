//! An operation of the API: its place, who may, what goes in and out. Routes and the document are both made of these.

use agreements::{CommandName, Role, entitled};
use http::Method;
use serde_json::{Value, json};

use super::asked::{Asked, Reply};
use super::problem::Problem;
use super::shared::Shared;

/// One operation.
pub struct Operation {
    /// Its name in the document.
    pub id: String,
    /// Its method.
    pub method: Method,
    /// Its path, places in braces.
    pub path: String,
    /// What it does, in a sentence.
    pub summary: String,
    /// Which part of the API it belongs to.
    pub part: &'static str,
    /// Who may.
    pub access: Access,
    /// Places, parameters and headers.
    pub inputs: Vec<Input>,
    /// What its body is.
    pub body: Option<Media>,
    /// What its answer is.
    pub answer: Media,
    /// Another type that its answer may have, as text.
    pub otherwise: Option<&'static str>,
    /// The status of its answer.
    pub status: u16,
    /// Codes of problems that are its own.
    pub problems: Vec<&'static str>,
    /// What it takes of what there is little of.
    pub cost: Cost,
    /// What carries it out.
    pub does: Does,
}

/// Who may use an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Operators of these roles.
    Roles(&'static [Role]),
    /// Systems that the configuration names, by their certificates.
    Portals,
}

/// What an operation takes of what there is little of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// Nothing.
    Usual,
    /// A password is hashed.
    Hashes,
}

/// What carries an operation out.
#[derive(Clone, Copy)]
pub enum Does {
    /// A function of what is asked, which may block.
    Asked(fn(&Shared, &Asked) -> Result<Reply, Problem>),
    /// A command.
    Issue(CommandName),
    /// Begins a readiness check, which goes on after the answer.
    Check,
    /// Takes a document as it comes.
    TakeDocument,
    /// Gives a document as it is read.
    GiveDocument,
    /// Gives what a search of the record finds as it is read.
    GiveExport,
}

/// A body.
#[derive(Debug, Clone)]
pub struct Media {
    /// Its types.
    pub types: &'static [&'static str],
    /// Its schema.
    pub schema: Value,
}

/// A place, a parameter or a header.
#[derive(Debug, Clone)]
pub struct Input {
    /// Its name.
    pub name: &'static str,
    /// Where it stands.
    pub place: Place,
    /// What it says.
    pub meaning: &'static str,
    /// Its schema.
    pub schema: Value,
}

/// Where an input stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In the head.
    Header,
}

impl Place {
    /// The word that OpenAPI has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
        }
    }
}

impl Media {
    /// JSON of a schema.
    pub fn json(schema: Value) -> Self {
        Self { types: &["application/json"], schema }
    }

    /// JSON of a named schema.
    pub fn named(name: &str) -> Self {
        Self::json(json!({ "$ref": format!("#/components/schemas/{name}") }))
    }

    /// No body.
    pub fn none() -> Self {
        Self { types: &[], schema: Value::Null }
    }
}

impl Operation {
    /// Whether operators of a role may use it.
    pub fn open_to(&self, role: Role) -> bool {
        match self.access {
            Access::Public => true,
            Access::Roles(roles) => roles.contains(&role),
            Access::Portals => false,
        }
    }

    /// An operation that reads, for all operators.
    pub fn read(
        id: &str,
        path: &str,
        summary: &str,
        part: &'static str,
        answer: Media,
        does: fn(&Shared, &Asked) -> Result<Reply, Problem>,
    ) -> Self {
        Self {
            id: id.to_owned(),
            method: Method::GET,
            path: path.to_owned(),
            summary: summary.to_owned(),
            part,
            access: Access::Roles(EVERYBODY),
            inputs: vec![header(
                "If-None-Match",
                "The ETag of what is known already: answers 304 if it is still so",
            )],
            body: None,
            answer,
            otherwise: None,
            status: 200,
            problems: Vec::new(),
            cost: Cost::Usual,
            does: Does::Asked(does),
        }
    }

    /// The same, asked with a body of a named schema; it reads for all that.
    #[must_use]
    pub fn asking(mut self, body: &str) -> Self {
        self.method = Method::POST;
        self.inputs.clear();
        self.body = Some(Media::named(body));
        self
    }

    /// The same, for roles that may issue a command.
    #[must_use]
    pub fn entitled_to(mut self, command: CommandName) -> Self {
        self.access = Access::Roles(entitled(command));
        self
    }

    /// The same, with further inputs.
    #[must_use]
    pub fn with(mut self, inputs: impl IntoIterator<Item = Input>) -> Self {
        self.inputs.extend(inputs);
        self
    }

    /// The same, with problems of its own.
    #[must_use]
    pub fn failing(mut self, problems: &[&'static str]) -> Self {
        self.problems.extend(problems);
        self
    }
}

/// A place of the path.
pub fn place(name: &'static str, meaning: &'static str, schema: Value) -> Input {
    Input { name, place: Place::Path, meaning, schema }
}

/// A parameter.
pub fn parameter(name: &'static str, meaning: &'static str, schema: Value) -> Input {
    Input { name, place: Place::Query, meaning, schema }
}

/// A header.
pub fn header(name: &'static str, meaning: &'static str) -> Input {
    Input { name, place: Place::Header, meaning, schema: json!({ "type": "string" }) }
}

/// The schema of a named type.
pub fn named(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// State at a date, for every operation that reads the registry.
pub fn at() -> Input {
    let schema = json!({ "type": "string", "anyOf": [{ "format": "date" }, { "format": "date-time" }] });
    parameter("at", "Shows the state at the end of a day in Almaty, or at a moment", schema)
}

/// All roles.
pub const EVERYBODY: &[Role] = &Role::ALL;
