//! Where things are when nobody says: from the environment, which is a function here so that it
//! can be told.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What an environment variable says; an empty one says nothing.
type Env<'e> = &'e dyn Fn(&str) -> Option<OsString>;

fn path_in(env: Env<'_>, name: &str) -> Option<PathBuf> {
    env(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn user_dir(env: Env<'_>) -> Option<PathBuf> {
    let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    path_in(env, name)
}

/// The Codex home: `CODEX_HOME`, else `.codex` in the user's folder.
#[must_use]
pub fn home_dir(env: Env<'_>) -> Option<PathBuf> {
    path_in(env, "CODEX_HOME").or_else(|| Some(user_dir(env)?.join(".codex")))
}

/// The store's file: `ROLLFOLD_STORE`, else `rollfold/store.redb` in the folder for data of the
/// platform - `XDG_DATA_HOME` if it is absolute, on macOS `Library/Application Support`, on Windows
/// `LOCALAPPDATA`, else `.local/share`. Never in a Codex home.
#[must_use]
pub fn store_path(env: Env<'_>) -> Option<PathBuf> {
    path_in(env, "ROLLFOLD_STORE")
        .or_else(|| Some(data_dir(env)?.join("rollfold").join("store.redb")))
}

fn data_dir(env: Env<'_>) -> Option<PathBuf> {
    // The XDG specification has relative paths ignored.
    let named = path_in(env, "XDG_DATA_HOME").filter(|path| Path::is_absolute(path));
    named.or_else(|| {
        if cfg!(windows) {
            path_in(env, "LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            Some(user_dir(env)?.join("Library").join("Application Support"))
        } else {
            Some(user_dir(env)?.join(".local").join("share"))
        }
    })
}

#[cfg(all(test, unix, not(target_os = "macos")))]
mod tests {
    use super::*;

    fn env<'e>(pairs: &'e [(&'e str, &'e str)]) -> impl Fn(&str) -> Option<OsString> + 'e {
        move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
    }

    #[test]
    fn places_follow_the_environment() {
        let home = |pairs: &[(&str, &str)]| home_dir(&env(pairs));
        assert_eq!(home(&[]), None);
        assert_eq!(home(&[("HOME", "/u")]), Some("/u/.codex".into()));
        assert_eq!(home(&[("HOME", "/u"), ("CODEX_HOME", "")]), Some("/u/.codex".into()));
        assert_eq!(home(&[("HOME", "/u"), ("CODEX_HOME", "/c")]), Some("/c".into()));

        let store = |pairs: &[(&str, &str)]| store_path(&env(pairs));
        assert_eq!(store(&[]), None);
        let own = Some("/u/.local/share/rollfold/store.redb".into());
        assert_eq!(store(&[("HOME", "/u")]), own);
        assert_eq!(store(&[("HOME", "/u"), ("XDG_DATA_HOME", "data")]), own);
        assert_eq!(
            store(&[("HOME", "/u"), ("XDG_DATA_HOME", "/d")]),
            Some("/d/rollfold/store.redb".into())
        );
        let named = [("HOME", "/u"), ("XDG_DATA_HOME", "/d"), ("ROLLFOLD_STORE", "here.redb")];
        assert_eq!(store(&named), Some("here.redb".into()));
    }
}
