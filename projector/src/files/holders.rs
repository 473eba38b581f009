//! Who has a file open. A file whose only name was just made can only be open where it was before:
//! once nobody has it, nobody will.

use std::path::Path;

/// Whether anybody has a file open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holders {
    None,
    Some,
    /// The system does not tell.
    Unknown,
}

/// Looks through the open files of all processes of this user. Others cannot write a rollout,
/// which belongs to its user, or are the system itself.
#[cfg(target_os = "linux")]
pub(crate) fn holders_of(path: &Path) -> Holders {
    use std::os::unix::fs::MetadataExt;
    let Some(name) = path.file_name() else { return Holders::Unknown };
    let Ok(file) = std::fs::symlink_metadata(path) else { return Holders::Unknown };
    let Ok(processes) = std::fs::read_dir("/proc") else { return Holders::Unknown };
    let is_process =
        |name: &std::ffi::OsStr| name.as_encoded_bytes().iter().all(u8::is_ascii_digit);
    let mut is_seen = false;
    for process in processes.flatten().filter(|entry| is_process(&entry.file_name())) {
        let Ok(files) = std::fs::read_dir(process.path().join("fd")) else { continue };
        is_seen = true;
        for open in files.flatten() {
            // By its name first: looking at an open file of a remote disk may take for ever.
            let target = std::fs::read_link(open.path());
            let is_named = target.is_ok_and(|target| target.file_name() == Some(name));
            let is_same =
                |open: std::fs::Metadata| (open.dev(), open.ino()) == (file.dev(), file.ino());
            if is_named && std::fs::metadata(open.path()).is_ok_and(is_same) {
                return Holders::Some;
            }
        }
    }
    // Without even this process's own, nothing was told.
    if is_seen { Holders::None } else { Holders::Unknown }
}

/// Opens the file in a way that no other handle goes with.
#[cfg(windows)]
pub(crate) fn holders_of(path: &Path) -> Holders {
    use std::os::windows::fs::OpenOptionsExt;
    const ERROR_SHARING_VIOLATION: i32 = 32;
    match std::fs::OpenOptions::new().read(true).share_mode(0).open(path) {
        Ok(_) => Holders::None,
        Err(error) if error.raw_os_error() == Some(ERROR_SHARING_VIOLATION) => Holders::Some,
        Err(_) => Holders::Unknown,
    }
}

#[cfg(not(any(target_os = "linux", windows)))]
pub(crate) fn holders_of(_path: &Path) -> Holders {
    Holders::Unknown
}
