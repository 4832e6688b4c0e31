//! What the engine asks of the past.

use tram_dispatch::{AgencyCode, DispatchId, Reference};

use crate::engine::{Engine, Fatal};
use crate::hand::fold;
use crate::view::View;

impl Engine {
    /// Brings a dispatch into memory if the store knows it; false if it is unknown.
    pub(crate) fn load(&mut self, id: &DispatchId, view: &dyn View) -> Result<bool, Fatal> {
        if self.state.held.contains_key(id) {
            return Ok(true);
        }
        if let Some(held) = self.state.closing.remove(id) {
            self.state.insert(held);
            return Ok(true);
        }
        match self.read_noted(id, || fold(&view.history(id)?))? {
            Some(held) => {
                self.state.insert(held);
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// The dispatch that used a submission key.
    pub(crate) fn by_reference(
        &self,
        originator: &AgencyCode,
        reference: &Reference,
        view: &dyn View,
    ) -> Result<Option<DispatchId>, Fatal> {
        let key = (originator.clone(), reference.clone());
        match self.state.references.get(&key) {
            Some(id) => Ok(Some(*id)),
            None => Ok(view.by_reference(originator, reference)?),
        }
    }
}
