//! How our words are spelled where people read them: as in files, in commands and over the API.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// A value of one of our enums, spelled as it is in JSON.
pub(crate) struct Spelled<'a, T>(pub(crate) &'a T);

/// Some of them, with commas between.
pub(crate) struct SpelledList<'a, T>(pub(crate) &'a [T]);

impl<T: Serialize> fmt::Display for Spelled<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match serde_json::to_value(self.0) {
            Ok(Value::String(word)) => f.write_str(&word),
            // What has more to it than its kind: "sample of address 1".
            Ok(Value::Object(mut members)) => {
                let kind = members.remove("kind").unwrap_or_default();
                f.write_str(kind.as_str().unwrap_or_default())?;
                let mut between = " of ";
                for value in members.values() {
                    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    write!(f, "{between}{text}")?;
                    between = " ";
                }
                Ok(())
            }
            Ok(_) | Err(_) => Err(fmt::Error),
        }
    }
}

impl<T: Serialize> fmt::Display for SpelledList<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, one) in self.0.iter().enumerate() {
            write!(f, "{}{}", if at > 0 { ", " } else { "" }, Spelled(one))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        AgreementNumber, Category, CheckKind, CommandError, DataTypeId, Denial, DocumentKind, OperatorId,
        OperatorStanding, Party, Phase, Role, Side, Stage, SystemId, SystemStatus,
    };

    #[test]
    fn errors_spell_words_as_commands_take_them() {
        let system = || SystemId::new("portal").unwrap();
        let data_type = || DataTypeId::new("address").unwrap();
        let number = AgreementNumber::new("ar-1").unwrap();
        let operator = OperatorId::new("saule").unwrap();
        let missing = vec![DocumentKind::TrialAct, DocumentKind::TechnicalDocumentation];
        let sample = CheckKind::Sample { data_type: data_type(), version: 1 };
        for (error, said) in [
            (CommandError::NotInRole { role: Role::HolderOfficer }, "role holder-officer may not do this"),
            (
                CommandError::Incomplete { system: system(), missing },
                "application of portal lacks trial-act, technical-documentation",
            ),
            (
                CommandError::SystemStatus { system: system(), status: SystemStatus::Registered },
                "system portal is registered",
            ),
            (CommandError::Unsigned(Side::Consumer), "the consumer has not signed"),
            (
                CommandError::NotActive { operator, standing: OperatorStanding::Suspended },
                "operator saule is suspended",
            ),
            (
                CommandError::Stage { number, version: 2, stage: Stage::Draft },
                "agreement ar-1 version 2 is draft",
            ),
            (
                CommandError::NotChecked { party: Party::Provider, check: sample },
                "the readiness check lacks provider sample of address 1",
            ),
            (
                CommandError::NotChecked { party: Party::Consumer, check: CheckKind::Clock },
                "the readiness check lacks consumer clock",
            ),
        ] {
            assert_eq!(error.to_string(), said);
        }
        let raised = Denial::CategoryRaised { data_type: data_type(), category: Category::OfficialUse };
        assert_eq!(raised.to_string(), "address is now official-use");
        let other =
            Denial::WrongEnvironment { party: Party::Consumer, system: system(), phase: Phase::Trial };
        assert_eq!(other.to_string(), "consumer portal is in trial operation, this gateway is not");
    }
}
