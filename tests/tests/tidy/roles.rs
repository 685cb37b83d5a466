//! `gateway/docs/roles.md` against the code: every command and every role has its place, and no other.

use agreements::{CommandName, Role, entitled};

use super::documents::keep;

#[test]
fn the_table_of_rights_is_the_one_that_decides() {
    let mut text = String::from("| command |");
    for role in Role::ALL {
        text += &format!(" {} |", word(role));
    }
    text += &format!("\n|---|{}\n", "---|".repeat(Role::ALL.len()));
    for name in CommandName::all() {
        text += &format!("| `{}` |", name.as_str());
        for role in Role::ALL {
            text += if entitled(name).contains(&role) { " yes |" } else { " |" };
        }
        text.push('\n');
    }
    keep("gateway/docs/roles.md", "rights", &text);
}

/// As the column is headed; a new role does not compile without.
fn word(role: Role) -> &'static str {
    match role {
        Role::Administrator => "administrator",
        Role::HolderOfficer => "holder's officer",
        Role::ServiceIntegrator => "service integrator",
        Role::Regulator => "regulator",
        Role::RegionalOperator => "regional operator",
        Role::SectorAuthority => "sector authority",
        Role::TerritorialUnit => "territorial unit",
        Role::NationalOperator => "national operator",
        Role::ResponsibleEmployee => "responsible employee",
        Role::Expert => "expert",
    }
}
