//! Command lines as one text (R27).

/// What stands for a command line that no shell could be given (R27).
const NUL_PLACEHOLDER: &str = "<command included NUL byte>";

/// R27: the argument vector joined with POSIX shell quoting, or a fixed placeholder if an argument
/// holds a NUL.
#[must_use]
pub fn join_command<'a>(args: impl IntoIterator<Item = &'a str>) -> String {
    shlex::try_join(args).unwrap_or_else(|_| NUL_PLACEHOLDER.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_as_the_reference_does() {
        // Argument vectors and expected texts are those of the conformance cases.
        let cases: [(&[&str], &str); 13] = [
            (&["bash", "-lc", "cargo test -p parser"], "bash -lc 'cargo test -p parser'"),
            (
                &["bash", "-lc", "sed -n '1,40p' ../shared/util.ts"],
                r#"bash -lc "sed -n '1,40p' ../shared/util.ts""#,
            ),
            (&["/bin/zsh", "-lc", "echo \"it's $HOME\""], r#"/bin/zsh -lc "echo \"it's "'$HOME"'"#),
            (
                &["npm", "run", "build", "--", "--mode=production"],
                "npm run build -- '--mode=production'",
            ),
            (
                &["printf", "%s\\n", "naïve", "漢字", "a=b", "x;y", "{1..3}", "~", "#c"],
                "printf \"%s\\\\n\" 'naïve' '漢字' 'a=b' 'x;y' '{1..3}' '~' '#c'",
            ),
            (&["echo", "!bang", "`tick`", "a'b\"c$d"], r#"echo '!bang' '`tick`' "a'b\"c"'$d'"#),
            (&["python3", "-c", "print('a b')\nprint(2)"], "python3 -c \"print('a b')\nprint(2)\""),
            (&["git", "commit", "-m", "fix: don't panic"], "git commit -m \"fix: don't panic\""),
            (&["rg", "fn main"], "rg 'fn main'"),
            (&["cat", "./a/./b/../c.txt"], "cat ./a/./b/../c.txt"),
            (&["echo", ""], "echo ''"),
            (&["true"], "true"),
            (&[], ""),
        ];
        for (args, expected) in cases {
            assert_eq!(join_command(args.iter().copied()), expected);
        }
    }

    #[test]
    fn one_nul_replaces_the_whole_command() {
        assert_eq!(join_command(["echo", "a\0b"]), "<command included NUL byte>");
        assert_eq!(join_command(["\0"]), "<command included NUL byte>");
    }
}
