//! What the demonstration leaves: `demo.json` for scripts, and lines to paste.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use super::scene::{Expected, Scene};
use super::{OrTrouble, Trouble};
use crate::office::Folder;

/// A line to paste, and what it shows.
pub(super) struct Pasted {
    pub(super) why: String,
    pub(super) line: String,
}

/// Writes `demo.json` and says which lines may be pasted.
pub(super) fn leave(
    folder: &Folder,
    scenes: &[Scene],
    gateway: SocketAddr,
    operations: SocketAddr,
) -> Result<Vec<Pasted>, Trouble> {
    let ca = folder.authority().trouble("open the trial authority")?.anchors_path();
    let (mut agreements, mut refusals, mut pasted) = (Vec::new(), Vec::new(), Vec::new());
    for scene in scenes {
        let call = call(folder, scene);
        match (&scene.agreement, &scene.expect) {
            (Some(number), Expected::Allowed { .. }) => {
                let why = format!("{}, under agreement {number}", scene.by);
                pasted.push(Pasted { why, line: curl(&call, &ca, gateway) });
                agreements.push(with(call, json!({ "number": number, "status": 200 })));
            }
            (_, Expected::Refused(code)) if code == "purpose-not-agreed" => {
                let language = scene.says.get("accept-language").map_or("kk", String::as_str);
                let why = format!("{}, for another purpose: refused ({language})", scene.by);
                pasted.push(Pasted { why, line: curl(&call, &ca, gateway) });
                refusals.push(with(call, json!({ "refusal": code, "status": 403 })));
            }
            _ => {}
        }
    }
    let left = json!({
        "gateway": gateway.to_string(),
        "operations": operations.to_string(),
        "ca": ca,
        "config": folder.config_path(),
        "agreements": agreements,
        "refusals": refusals,
    });
    let path = folder.dir().join("demo.json");
    fs::write(path, format!("{left:#}\n")).trouble("write demo.json")?;
    Ok(pasted)
}

/// How a scene's call is made with other tools.
fn call(folder: &Folder, scene: &Scene) -> Value {
    let (method, target) = scene.asked();
    let keys = folder.dir().join("keys");
    let mut headers: BTreeMap<String, &str> =
        scene.says.iter().map(|(name, value)| (capitalised(name), value.as_str())).collect();
    if scene.body.is_some() {
        headers.insert("Content-Type".into(), "application/json");
    }
    json!({
        "consumer": scene.by,
        "cert": keys.join(format!("{}.pem", scene.by)),
        "key": keys.join(format!("{}.key", scene.by)),
        "method": method,
        "path": target,
        "headers": headers,
        "body": scene.body,
    })
}

fn with(mut call: Value, more: Value) -> Value {
    if let (Value::Object(call), Value::Object(more)) = (&mut call, more) {
        call.extend(more);
    }
    call
}

fn curl(call: &Value, ca: &Path, gateway: SocketAddr) -> String {
    let text = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
    let mut words = vec!["curl -sS -i".to_owned()];
    for (option, value) in [("--cert", text("cert")), ("--key", text("key"))] {
        words.push(format!("{option} {}", quoted(&value)));
    }
    words.push(format!("--cacert {}", quoted(&ca.to_string_lossy())));
    for (name, value) in call["headers"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        words.push(format!("-H {}", quoted(&format!("{name}: {value}"))));
    }
    if !call["body"].is_null() {
        words.push(format!("-X {} --data {}", text("method"), quoted(&call["body"].to_string())));
    }
    words.push(quoted(&format!("https://{gateway}{}", text("path"))));
    words.join(" ")
}

/// `kelisim-purpose` as people write it: `Kelisim-Purpose`.
fn capitalised(name: &str) -> String {
    let word = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

/// A word that a shell takes as it stands.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_word_survives_the_shell() {
        assert_eq!(quoted("it's here"), r"'it'\''s here'");
        assert_eq!(capitalised("kelisim-user-address"), "Kelisim-User-Address");
    }
}
