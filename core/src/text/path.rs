//! Paths as text. Nothing here asks the reading host: a log of any system reads the same
//! everywhere.

/// How a path is written. Read off the path itself, never off the host (R28).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convention {
    /// Components parted by `/`.
    Posix,
    /// Components parted by `\` or `/`, with a drive letter or a server in front.
    Windows,
}

/// R28: the convention of a path: a drive (`X:` alone or before a separator) or `\\` is Windows,
/// all else POSIX.
#[must_use]
pub fn convention(path: &str) -> Convention {
    if path.starts_with(r"\\") || is_drive(path) || is_drive_absolute(path) {
        Convention::Windows
    } else {
        Convention::Posix
    }
}

/// R27, R32: the native text of a `file:` URL, in the convention the URL shows; anything else is
/// kept verbatim.
///
/// Read as a URL parser reads it (dot segments, `\` for `/`, no query or fragment, percent
/// decoding), except that a host name is kept as text and what is no UTF-8 after decoding becomes
/// U+FFFD.
#[must_use]
pub fn native(uri_or_path: &str) -> String {
    native_of_url(uri_or_path).unwrap_or_else(|| uri_or_path.to_owned())
}

/// R28: `path` as seen from `cwd`, joined and normalised by text alone, in the convention of `cwd`.
///
/// An absolute `path` of either convention stands for itself, and so does `~` and what lies below
/// it: only the machine that wrote the log knew that directory.
#[must_use]
pub fn join(cwd: &str, path: &str) -> String {
    if is_home_relative(path, cwd) {
        return path.to_owned();
    }
    if path.starts_with('/') {
        return posix("", path);
    }
    if path.starts_with(r"\\") || is_drive_absolute(path) {
        return windows("", path);
    }
    match convention(cwd) {
        Convention::Posix => posix(cwd, path),
        Convention::Windows => windows(cwd, path),
    }
}

/// An absolute path, normalised by text alone; any other is kept verbatim (FORMAT 3, *AbsPath*).
#[must_use]
pub fn absolute(path: &str) -> String {
    let is_absolute = path.starts_with('/') || path.starts_with(r"\\") || is_drive_absolute(path);
    if is_absolute { join("", path) } else { path.to_owned() }
}

/// `X:` and what follows it.
fn split_drive(path: &str) -> Option<(&str, &str)> {
    path.split_at_checked(2).filter(
        |(drive, _)| matches!(drive.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic()),
    )
}

fn is_drive(path: &str) -> bool {
    matches!(split_drive(path), Some((_, "")))
}

fn is_drive_absolute(path: &str) -> bool {
    split_drive(path).is_some_and(|(_, rest)| rest.starts_with(is_windows_separator))
}

fn is_windows_separator(c: char) -> bool {
    matches!(c, '/' | '\\')
}

fn is_home_relative(path: &str, cwd: &str) -> bool {
    path.strip_prefix('~').is_some_and(|rest| {
        rest.is_empty()
            || rest.starts_with('/')
            || (convention(cwd) == Convention::Windows && rest.starts_with('\\'))
    })
}

/// Adds components to a normalised list: `..` takes the last one away, at a root it is lost.
fn push_components<'a>(
    components: &mut Vec<&'a str>,
    rooted: bool,
    more: impl Iterator<Item = &'a str>,
) {
    for component in more {
        match component {
            "" | "." => {}
            ".." if components.last().is_none_or(|last| *last == "..") => {
                if !rooted {
                    components.push("..");
                }
            }
            ".." => {
                components.pop();
            }
            name => components.push(name),
        }
    }
}

fn posix(base: &str, path: &str) -> String {
    let rooted = [base, path].into_iter().any(|text| text.starts_with('/'));
    let mut components = Vec::new();
    push_components(&mut components, rooted, base.split('/').chain(path.split('/')));
    match (rooted, components.is_empty()) {
        (true, _) => format!("/{}", components.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => components.join("/"),
    }
}

/// `path` is relative, below the root of `base` (`\x`), below a drive (`X:x`), or absolute with an
/// empty `base`.
fn windows(base: &str, path: &str) -> String {
    let (mut root, mut components) = windows_parts(base);
    let (path_root, more) = windows_parts(path);
    if !path_root.is_empty() {
        // `X:x` names the drive's own current directory, which is known for the drive of `base`
        // only.
        if !path_root.eq_ignore_ascii_case(&root) {
            root = path_root;
            components.clear();
        }
    } else if path.starts_with(is_windows_separator) {
        components.clear();
    }
    let rooted = !root.is_empty();
    push_components(&mut components, rooted, more.into_iter());
    if components.is_empty() {
        // Without its separator, `X:` would be a directory that depends on the reader.
        return if root.ends_with(':') { root + "\\" } else { root };
    }
    if rooted {
        root.push('\\');
    }
    root + &components.join("\\")
}

/// Root (a drive, or server and share) and normalised components.
fn windows_parts(path: &str) -> (String, Vec<&str>) {
    let mut components = Vec::new();
    if let Some(unc) = path.strip_prefix(r"\\") {
        let mut parts = unc.split(is_windows_separator).filter(|part| !part.is_empty());
        let mut head: Vec<&str> = parts.by_ref().take(2).collect();
        if matches!(head.as_slice(), ["?" | ".", unc] if unc.eq_ignore_ascii_case("UNC")) {
            head.extend(parts.by_ref().take(2));
        }
        push_components(&mut components, true, parts);
        return (format!(r"\\{}", head.join(r"\")), components);
    }
    let (root, rest) = split_drive(path).unwrap_or(("", path));
    push_components(&mut components, !root.is_empty(), rest.split(is_windows_separator));
    (root.to_owned(), components)
}

fn native_of_url(text: &str) -> Option<String> {
    let text = text.trim_matches(|c: char| c <= ' ');
    let (scheme, rest) = text.split_at_checked("file:".len())?;
    if !scheme.eq_ignore_ascii_case("file:") {
        return None;
    }
    let rest: String = rest
        .chars()
        .filter(|c| !matches!(c, '\t' | '\n' | '\r'))
        .take_while(|c| !matches!(c, '?' | '#'))
        .map(|c| if c == '\\' { '/' } else { c })
        .collect();
    let (host, path) = split_host(&rest);
    let host = host_text(host)?;
    let segments = url_segments(path);
    // Some writers escape the colon of a drive, which to a URL parser is then an ordinary name.
    let decoded: Vec<String> = segments.iter().map(|segment| percent_decode(segment)).collect();
    if segments.first().is_some_and(|first| is_drive(first))
        || (host.is_empty() && decoded.first().is_some_and(|first| is_drive(first)))
    {
        let path = decoded.join(r"\");
        return Some(if decoded.len() == 1 { path + r"\" } else { path });
    }
    Some(match host.as_str() {
        "" => format!("/{}", decoded.join("/")),
        _ => format!(r"\\{host}\{}", decoded.join(r"\")),
    })
}

/// Host and path of what follows `file:`. A drive in the place of the host belongs to the path.
fn split_host(rest: &str) -> (&str, &str) {
    let Some(authority) = rest.strip_prefix("//") else {
        return ("", rest);
    };
    let end = authority.find('/').unwrap_or(authority.len());
    match authority.split_at_checked(end) {
        Some((host, path)) if !is_drive(host) => (host, path),
        _ => ("", authority),
    }
}

/// The host as text, empty for this machine; `None` if no URL can have it.
fn host_text(host: &str) -> Option<String> {
    let host = percent_decode(host).to_ascii_lowercase();
    let address = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .filter(|inner| inner.contains(':'));
    let valid = match address {
        Some(address) => {
            address.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
        }
        None => !host.chars().any(is_forbidden_in_host),
    };
    match host.as_str() {
        "localhost" => Some(String::new()),
        _ => valid.then_some(host),
    }
}

fn is_forbidden_in_host(c: char) -> bool {
    c <= ' ' || "#%/:<>?@[\\]^|\u{7f}\u{fffd}".contains(c)
}

/// The path's segments, still encoded, without dot segments. Never empty.
fn url_segments(path: &str) -> Vec<&str> {
    let mut segments: Vec<&str> = Vec::new();
    let mut parts = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(part) = parts.next() {
        let dots = part.to_ascii_lowercase().replace("%2e", ".");
        match dots.as_str() {
            ".." => {
                let at_drive = matches!(segments.as_slice(), [only] if is_drive(only));
                if !at_drive {
                    segments.pop();
                }
            }
            "." => {}
            _ => {
                segments.push(part);
                continue;
            }
        }
        if parts.peek().is_none() {
            segments.push("");
        }
    }
    let empty = segments.iter().take_while(|segment| segment.is_empty()).count();
    segments.drain(..empty.min(segments.len().saturating_sub(1)));
    segments
}

/// Percent decoding as URLs have it: a `%` without two hexadecimal digits stands for itself.
fn percent_decode(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let pair = ahead.next().and_then(hex_digit).zip(ahead.next().and_then(hex_digit));
        match pair {
            Some((high, low)) if byte == b'%' => {
                decoded.push(high << 4 | low);
                bytes = ahead;
            }
            _ => decoded.push(byte),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn convention_is_read_off_the_path() {
        for path in [r"C:\Users\x", "c:/work", "C:", r"\\build01\share", r"\\?\C:\x", r"\\"] {
            assert_eq!(convention(path), Convention::Windows, "{path}");
        }
        for path in ["/w/a", "", "w", "C:foo", "/C:/x", r"\w", "é:", "1:/x", "CC:/x", r"a\b"] {
            assert_eq!(convention(path), Convention::Posix, "{path}");
        }
    }

    #[test]
    fn urls_of_the_conformance_cases() {
        for (url, path) in [
            ("file:///home/dev/acme-web", "/home/dev/acme-web"),
            ("file:///home/dev/acme-web/", "/home/dev/acme-web/"),
            ("file:///home/dev/x/../acme-web/./src", "/home/dev/acme-web/src"),
            ("file:///C:/Users/dev/acme", r"C:\Users\dev\acme"),
            ("file:///C:/Users/dev/x.png", r"C:\Users\dev\x.png"),
            ("file://localhost/home/dev/acme-web", "/home/dev/acme-web"),
            ("file:///srv/build/job%20one", "/srv/build/job one"),
            ("file://build01/share/acme", r"\\build01\share\acme"),
            ("file:///home/dev/100%25", "/home/dev/100%"),
            ("file:///c:/work", r"c:\work"),
            ("file:///home/dev/漢字", "/home/dev/漢字"),
            ("file:///home/dev/caf%C3%A9", "/home/dev/café"),
            ("file:/home/dev/acme-web", "/home/dev/acme-web"),
            ("file:///", "/"),
        ] {
            assert_eq!(native(url), path, "{url}");
        }
    }

    #[test]
    fn odd_urls() {
        for (url, path) in [
            ("file:", "/"),
            ("file:w/a", "/w/a"),
            ("file://", "/"),
            ("FILE:///w", "/w"),
            (" file:///w\n", "/w"),
            ("file:///w/a?q=/x#f", "/w/a"),
            ("file:///w/a/..", "/w/"),
            ("file:///../../w/%2E%2e/x/%2e", "/x/"),
            ("file:///a//b", "/a//b"),
            ("file:////a", "/a"),
            ("file:///a%", "/a%"),
            ("file:///a%2", "/a%2"),
            ("file:///a%zz%41", "/a%zzA"),
            ("file:///a%FFb", "/a\u{fffd}b"),
            ("file:///a%5Cb%2fc", r"/a\b/c"),
            (r"file:\\\w\a", "/w/a"),
            ("file:///C:", r"C:\"),
            ("file:///C:/", r"C:\"),
            ("file://C:/x", r"C:\x"),
            ("file:///C:/../../x", r"C:\x"),
            ("file:///c%3A/x", r"c:\x"),
            ("file:///C:x", "/C:x"),
            ("file:///w/C:/x", "/w/C:/x"),
            ("file://Server/Share/a%20b", r"\\server\Share\a b"),
            ("file://server/C:/x", r"C:\x"),
            ("file://server", r"\\server\"),
            ("file://LOCALHOST/w", "/w"),
            ("file://[::1]/s", r"\\[::1]\s"),
        ] {
            assert_eq!(native(url), path, "{url}");
        }
        for path in [
            "/w/a",
            r"C:\x",
            "",
            "file",
            "files:///w",
            "http://h/w",
            "file://a b/c",
            "file://h:1/x",
            "~/x",
            "/a%20b",
        ] {
            assert_eq!(native(path), path);
        }
    }

    #[test]
    fn joins_of_the_conformance_cases() {
        for (cwd, path, joined) in [
            ("/home/dev/acme-web/src", "../x/./y.txt", "/home/dev/acme-web/x/y.txt"),
            ("/home/dev/acme-web", "src/lib.rs", "/home/dev/acme-web/src/lib.rs"),
            ("/home/dev/100%", "../x/./y.txt", "/home/dev/x/y.txt"),
            ("/", "../x/./y.txt", "/x/y.txt"),
            ("/home/dev/acme-web", "./a/./b/../c.txt", "/home/dev/acme-web/a/c.txt"),
            ("/srv/build/job one", "./a/./b/../c.txt", "/srv/build/job one/a/c.txt"),
            ("/home/dev/acme-web/", "../x/./y.txt", "/home/dev/x/y.txt"),
            ("/home/dev/acme-web", "../shared/util.ts", "/home/dev/shared/util.ts"),
            ("/home/dev/acme-web/crates/parser", "/etc/hosts", "/etc/hosts"),
        ] {
            assert_eq!(join(cwd, path), joined, "{cwd} {path}");
        }
    }

    #[test]
    fn posix_joins() {
        for (cwd, path, joined) in [
            ("/w", "", "/w"),
            ("/w", ".", "/w"),
            ("/w/", "a/", "/w/a"),
            ("/w", "//a//../b", "/b"),
            ("/w", "/../..", "/"),
            ("/w", r"a\..\b", r"/w/a\..\b"),
            ("/w", "c:", "/w/c:"),
            ("/w", "c:x", "/w/c:x"),
            ("/w", r"C:\a\..\b", r"C:\b"),
            ("/w", r"\\s\d\a\.\b", r"\\s\d\a\b"),
            ("/w", "~/notes/../x", "~/notes/../x"),
            ("/w", "~", "~"),
            ("/w", "~dev/x", "/w/~dev/x"),
            ("", "a", "a"),
            ("", "", "."),
            ("w/a", "../../../x", "../x"),
            ("w", "/x", "/x"),
        ] {
            assert_eq!(join(cwd, path), joined, "{cwd} {path}");
        }
    }

    #[test]
    fn windows_joins() {
        for (cwd, path, joined) in [
            (r"C:\Users\dev\acme", "src/lib.rs", r"C:\Users\dev\acme\src\lib.rs"),
            (r"C:\Users\dev\acme", r"..\x\.\y.txt", r"C:\Users\dev\x\y.txt"),
            (r"c:\work", "../../../x", r"c:\x"),
            (r"c:\work", "..", r"c:\"),
            ("C:", "a", r"C:\a"),
            ("C:/w/", "a/", r"C:\w\a"),
            (r"C:\w", r"\x", r"C:\x"),
            (r"C:\w", "/etc/hosts", "/etc/hosts"),
            (r"C:\w", "D:/x/../y", r"D:\y"),
            (r"C:\w", "c:x", r"C:\w\x"),
            (r"C:\w", "D:x", r"D:\x"),
            (r"C:\w", "D:", r"D:\"),
            (r"C:\w", r"~\x", r"~\x"),
            (r"\\build01\share\acme", "../x/./y.txt", r"\\build01\share\x\y.txt"),
            (r"\\build01\share\acme", "../../..", r"\\build01\share"),
            (r"\\build01\share\acme", r"\x", r"\\build01\share\x"),
            (r"\\?\C:\w", r"..\..\x", r"\\?\C:\x"),
            (r"\\?\C:\w", "..", r"\\?\C:\"),
            (r"\\?\UNC\s\d\w", r"..\..\x", r"\\?\UNC\s\d\x"),
            (r"C:\w", "", r"C:\w"),
        ] {
            assert_eq!(join(cwd, path), joined, "{cwd} {path}");
        }
    }
}
