//! Prescriptions in force, as the book holds them: ready to be asked on each call.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::{
    AgreementNumber, DataTypeId, NamedOperation, OperationId, Order, Prescription, PrescriptionNumber,
    Registry, Signed, SystemId, Target, end_of,
};

/// A prescription against a system or an agreement.
#[derive(Debug)]
pub(crate) struct OrderPage {
    pub(crate) number: PrescriptionNumber,
    pub(crate) order: Ordered,
}

/// What it orders.
#[derive(Debug)]
pub(crate) enum Ordered {
    Nothing,
    Only(Box<[NamedOperation]>),
    NothingFrom(Timestamp),
}

impl OrderPage {
    fn of(prescription: &Prescription, zone: &TimeZone) -> Option<Self> {
        let order = match &prescription.text.order {
            Order::Suspend => Ordered::Nothing,
            Order::LimitTo(operations) => Ordered::Only(operations.as_slice().into()),
            Order::CorrectBy(last_day) => Ordered::NothingFrom(end_of(*last_day, zone)),
            // No matter of calls.
            Order::KeepRecord => return None,
        };
        Some(Self { number: prescription.text.prescription.clone(), order })
    }

    /// Whether it leaves an operation be.
    pub(crate) fn allows(
        &self,
        provider: &SystemId,
        data_type: &DataTypeId,
        operation: &OperationId,
    ) -> bool {
        match &self.order {
            Ordered::Nothing | Ordered::NothingFrom(_) => true,
            Ordered::Only(named) => named.iter().any(|one| {
                one.provider == *provider && one.data_type == *data_type && one.operation == *operation
            }),
        }
    }
}

/// The prescriptions of a registry that are in force.
pub(crate) struct Orders<'r> {
    systems: HashMap<&'r SystemId, Vec<&'r Prescription>>,
    agreements: HashMap<&'r AgreementNumber, Vec<&'r Prescription>>,
}

impl<'r> Orders<'r> {
    pub(crate) fn of(registry: &'r Registry, prove: &dyn Fn(Signed<'_>) -> Result<(), &'static str>) -> Self {
        let mut orders = Self { systems: HashMap::new(), agreements: HashMap::new() };
        for prescription in registry.prescriptions() {
            // Whoever may write the registry could lift it: an order that allows again is proven, or is none.
            let lifted = prescription.lifted.as_ref().is_some_and(|one| prove(Signed::Lifting(one)).is_ok());
            if lifted {
                continue;
            }
            match &prescription.text.against {
                Target::System(system) => orders.systems.entry(system).or_default().push(prescription),
                Target::Agreement(number) => orders.agreements.entry(number).or_default().push(prescription),
            }
        }
        orders
    }

    pub(crate) fn against_system(&self, system: &SystemId, zone: &TimeZone) -> Box<[OrderPage]> {
        pages(self.systems.get(system), zone)
    }

    pub(crate) fn against_agreement(&self, number: &AgreementNumber, zone: &TimeZone) -> Box<[OrderPage]> {
        pages(self.agreements.get(number), zone)
    }
}

fn pages(found: Option<&Vec<&Prescription>>, zone: &TimeZone) -> Box<[OrderPage]> {
    found.into_iter().flatten().filter_map(|one| OrderPage::of(one, zone)).collect()
}
