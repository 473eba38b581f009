//! The context window (R72-R77).

use crate::records::{RecordClass, RecordIndex, Window};

/// The surviving window, else the initial one, else as many windows as there are compactions
/// (R75). The last two look at the whole log, rolled back or not.
pub(super) fn window(records: &RecordIndex, surviving: Option<Window>) -> Window {
    if let Some(window) = surviving {
        return window;
    }
    let (mut compactions, mut all_numbered, mut initial) = (0, true, None);
    for entry in records.iter() {
        match &entry.class {
            RecordClass::Compacted(facts) => {
                compactions += 1;
                all_numbered &= facts.window.is_some();
            }
            RecordClass::SessionMeta { window_id } => initial = initial.or(*window_id),
            _ => {}
        }
    }
    match initial.filter(|_| all_numbered) {
        Some(id) => Window { number: 0, first_id: Some(id), previous_id: None, id: Some(id) },
        None => Window { number: compactions, ..Window::default() },
    }
}
