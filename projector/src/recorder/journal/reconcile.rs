//! After an error: what of the lines that were being written stands in the log.

use serde_json::json;

use super::{Journal, JournalError, Pending, Place, RecordNote};
use crate::recorder::record::RecordTag;

impl Journal {
    /// Looks at what stands behind the last place known, and ends what was cut off.
    pub(super) fn reconcile(&mut self, len_bytes: u64) -> Result<(), JournalError> {
        if self.place.is_torn {
            match *self.behind(len_bytes, 1)? {
                [] => self.append(b"\n")?,
                [b'\n'] => {}
                _ => {
                    let offset_bytes = self.place.end_bytes;
                    let len_bytes = len_bytes - offset_bytes;
                    return Err(JournalError::Foreign { offset_bytes, len_bytes });
                }
            }
            self.place = Place { end_bytes: self.place.end_bytes + 1, is_torn: false };
        }
        let len_bytes = len_bytes.max(self.place.end_bytes);
        if len_bytes == self.place.end_bytes {
            return Ok(());
        }
        let sent = self.pending.iter().map_while(|it| it.written.as_ref());
        let sent_bytes: usize = sent.map(|written| written.line.len()).sum();
        let found = self.behind(len_bytes, sent_bytes.saturating_add(2))?;
        let mut rest = &found[..];
        while let Some(line) = self.sent_line()
            && let Some(after) = rest.strip_prefix(&*line)
        {
            rest = after;
            self.place.end_bytes += line.len() as u64;
            self.pop();
        }
        let offset_bytes = self.place.end_bytes;
        let left_bytes = len_bytes - offset_bytes;
        if left_bytes == 0 {
            return Ok(());
        }
        // Whoever else wrote knows neither our ordinals nor what our patches are of.
        let foreign = JournalError::Foreign { offset_bytes, len_bytes: left_bytes };
        let line = self.sent_line().unwrap_or_default();
        let piece = rest.strip_suffix(b"\n").unwrap_or(rest);
        let is_ours = !piece.is_empty() && line.starts_with(piece);
        if left_bytes != rest.len() as u64 || !is_ours {
            return Err(foreign);
        }
        if piece.len() == rest.len() {
            self.append(b"\n")?;
        }
        let len_bytes = piece.len() as u64;
        self.place.end_bytes += len_bytes + 1;
        if piece.len() + 1 == line.len() {
            self.pop();
        } else {
            self.notes.push(RecordNote::TornLine { offset_bytes, len_bytes });
            self.tell_all();
        }
        Ok(())
    }

    /// A reader that saw a piece of a patch no longer knows the world (R69): what was cut off is
    /// told again as a whole.
    fn tell_all(&mut self) {
        let Some(Pending { record, ordinal, world: Some(world), written: Some(written) }) =
            self.pending.front_mut()
        else {
            return;
        };
        if record.tag != RecordTag::WorldState {
            return;
        }
        self.pending_bytes -= record.payload.len();
        record.payload = json!({"full": true, "state": **world}).to_string();
        self.pending_bytes += record.payload.len();
        written.line = record.line(&written.stamp, *ordinal);
    }

    /// The first line that was sent and does not stand there for sure.
    fn sent_line(&self) -> Option<Vec<u8>> {
        Some(self.pending.front()?.written.as_ref()?.line.clone())
    }

    /// Bytes behind the last place known, at most so many.
    fn behind(&mut self, len_bytes: u64, most: usize) -> Result<Vec<u8>, JournalError> {
        let start_bytes = self.place.end_bytes;
        let there = len_bytes.saturating_sub(start_bytes);
        let mut bytes = vec![0; usize::try_from(there).unwrap_or(most).min(most)];
        let file = self.opened()?;
        let mut filled = 0;
        while let Some(room) = bytes.get_mut(filled..).filter(|room| !room.is_empty()) {
            match file.read_at(start_bytes + filled as u64, room)? {
                0 => break,
                len => filled += len,
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }
}
