//! What every command needs: where homes and the store are, and how output is written.

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use rollfold_projector::{Home, Library, OpenError, Opened, Store, store_path};

/// How this program is called in a store that it has open.
const PROGRAM: &str = "rollfold";

/// Where things are.
#[derive(Debug, Clone, Args)]
pub struct Places {
    /// A Codex home; can be given more than once [default: CODEX_HOME, else ~/.codex].
    #[arg(long, global = true, value_name = "DIR")]
    pub home: Vec<PathBuf>,
    /// The store's file [default: ROLLFOLD_STORE, else rollfold/store.redb in the data folder].
    #[arg(long, global = true, value_name = "FILE")]
    pub store: Option<PathBuf>,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Done,
    /// It ran, and found differences or damage.
    Found,
    /// It was used wrongly.
    Usage,
    /// Something cannot be read or written.
    Failed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Found => 1,
            Exit::Usage => 2,
            Exit::Failed => 3,
        })
    }
}

/// Why a command ended early: one line, what, where, what to do.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    text: String,
    is_closed_pipe: bool,
}

impl Failure {
    /// The command was used wrongly.
    pub fn usage(text: impl fmt::Display) -> Self {
        Self { exit: Exit::Usage, text: text.to_string(), is_closed_pipe: false }
    }

    /// Something cannot be read.
    pub fn unreadable(text: impl fmt::Display) -> Self {
        Self { exit: Exit::Failed, text: text.to_string(), is_closed_pipe: false }
    }

    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Whether only the reader of the output went away, as a pager does.
    pub fn is_closed_pipe(&self) -> bool {
        self.is_closed_pipe
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<E: std::error::Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let any = &error as &dyn std::error::Error;
        let io = any.downcast_ref::<io::Error>().map(io::Error::kind);
        let json = any.downcast_ref::<serde_json::Error>();
        let kind = io.or_else(|| json.and_then(serde_json::Error::io_error_kind));
        let is_closed_pipe = kind == Some(io::ErrorKind::BrokenPipe);
        Self { exit: Exit::Failed, text: error.to_string(), is_closed_pipe }
    }
}

/// What every command needs.
pub struct Context {
    places: Places,
    /// Whether output is JSON lines.
    pub is_json: bool,
}

impl Context {
    pub fn new(places: Places, is_json: bool) -> Self {
        Self { places, is_json }
    }

    /// The homes that were named, or the one of the environment.
    pub fn homes(&self) -> Result<Vec<Home>, Failure> {
        match self.places.home.as_slice() {
            [] => Ok(vec![Home::from_env()?]),
            named => Ok(named.iter().map(Home::at).collect()),
        }
    }

    /// The one home that is written.
    pub fn home(&self) -> Result<Home, Failure> {
        match self.homes()?.as_slice() {
            [home] => Ok(home.clone()),
            _ => Err(Failure::usage("several homes: name the one with --home")),
        }
    }

    /// The id of a thread: as it is, or by what the store knows it.
    pub fn thread_id(&self, name: &str) -> Result<String, Failure> {
        let is_id = name.len() == 36 && name.bytes().all(|it| it == b'-' || it.is_ascii_hexdigit());
        if is_id {
            return Ok(name.to_ascii_lowercase());
        }
        Ok(Library::open(self.store_to_read()?)?.find(name)?.id.to_string())
    }

    /// The store's file.
    pub fn store_path(&self) -> Result<PathBuf, Failure> {
        let named = self.places.store.clone();
        let path = named.or_else(|| store_path(&|name| std::env::var_os(name)));
        path.ok_or_else(|| Failure::usage("no store: name one with --store, or set ROLLFOLD_STORE"))
    }

    /// The store for writing; the folder it is in is made, for its owner only. One that cannot be
    /// used is set aside and made anew, and that is said.
    pub fn store(&self) -> Result<Store, Failure> {
        let path = self.store_path()?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            let mut builder = std::fs::DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(folder).map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", folder.display()))
            })?;
        }
        let (store, opened) = Store::open_or_rebuild(path, PROGRAM)?;
        if let Opened::SetAside { reason, aside } = opened {
            let aside = aside.display();
            eprintln!(
                "rollfold: {reason}; it is called {aside} now, and a new store is made of the logs"
            );
        }
        Ok(store)
    }

    /// The store for writing, as it is: nothing is made, nothing set aside.
    pub fn store_to_mend(&self) -> Result<Store, Failure> {
        Ok(Store::open_as(self.existing_store()?, PROGRAM)?)
    }

    /// The store for reading; a copy of it while another process writes it.
    pub fn store_to_read(&self) -> Result<Store, Failure> {
        let path = self.existing_store()?;
        match Store::open_as(&path, PROGRAM) {
            Err(OpenError::InUse { .. }) => Ok(Store::open_reader(path)?),
            opened => Ok(opened?),
        }
    }

    fn existing_store(&self) -> Result<PathBuf, Failure> {
        let path = self.store_path()?;
        if path.exists() {
            return Ok(path);
        }
        let path = path.display();
        Err(Failure::usage(format!("{path}: no store yet; make one with `rollfold sync`")))
    }

    /// Standard output, buffered.
    pub fn out(&self) -> io::BufWriter<io::StdoutLock<'static>> {
        io::BufWriter::with_capacity(64 * 1024, io::stdout().lock())
    }

    /// Prints one JSON value as a line.
    pub fn json_line(
        &self,
        out: &mut impl Write,
        value: &impl serde::Serialize,
    ) -> Result<(), Failure> {
        serde_json::to_writer(&mut *out, value)?;
        Ok(out.write_all(b"\n")?)
    }
}
