//! Text that a client put into a message for the model alone (SEMANTICS.md section 0).

use super::hook_prompt;

/// Section 0, point 2: start and end, any ASCII case.
const USER_MARKERS: [(&str, &str); 7] = [
    ("# AGENTS.md instructions", "</INSTRUCTIONS>"),
    ("<environment_context>", "</environment_context>"),
    ("<skill>", "</skill>"),
    ("<user_shell_command>", "</user_shell_command>"),
    ("<turn_aborted>", "</turn_aborted>"),
    ("<subagent_notification>", "</subagent_notification>"),
    ("<recommended_plugins>", "</recommended_plugins>"),
];

/// Section 0, point 5: start and end, exact.
const WARNINGS: [(&str, &str); 3] = [
    ("Warning: The maximum number of unified exec processes you can keep open is", ""),
    ("Warning: Your account was flagged for potentially high-risk cyber activity", ""),
    (
        "Warning: apply_patch was requested via ",
        "Use the apply_patch tool instead of exec_command.",
    ),
];

/// Section 0, "Contextual developer fragment": start, any ASCII case.
const DEVELOPER_MARKERS: [&str; 11] = [
    "<permissions instructions>",
    "<model_switch>",
    "<collaboration_mode>",
    "<multi_agent_mode>",
    "<realtime_conversation>",
    "<skills_instructions>",
    "<personality_spec>",
    "<token_budget>",
    "<context_window>",
    "<context_window_guidance>",
    "<rollout_budget>",
];

/// Section 0, "Contextual user text": whether an `input_text` of a user message is a fragment that
/// a client wrote, not a person. One such element makes its whole message contextual.
#[must_use]
pub fn is_contextual_user_text(text: &str) -> bool {
    let trimmed = text.trim();
    USER_MARKERS.iter().any(|(start, end)| {
        starts_with_ignoring_case(trimmed, start) && ends_with_ignoring_case(trimmed, end)
    }) || is_external_context(trimmed)
        || is_internal_context(trimmed)
        || WARNINGS.iter().any(|(start, end)| trimmed.starts_with(start) && trimmed.ends_with(end))
        || hook_prompt::parse_fragment(trimmed).is_some()
}

/// Section 0, "Contextual developer fragment": whether an `input_text` of a developer message is a
/// fragment that a client wrote, for the version whose outputs the conformance cases hold.
#[must_use]
pub fn is_contextual_developer_text(text: &str) -> bool {
    starts_with_any_ignoring_case(text, &DEVELOPER_MARKERS)
}

/// Section 0, point 3.
fn is_external_context(trimmed: &str) -> bool {
    let Some((key, _)) = trimmed.strip_prefix("<external_").and_then(|rest| rest.split_once('>'))
    else {
        return false;
    };
    trimmed
        .strip_suffix('>')
        .and_then(|rest| rest.strip_suffix(key))
        .is_some_and(|rest| rest.ends_with("</external_"))
}

/// Section 0, point 4.
fn is_internal_context(trimmed: &str) -> bool {
    if trimmed.starts_with("<goal_context>") {
        return trimmed.ends_with("</goal_context>");
    }
    trimmed
        .strip_prefix("<codex_internal_context source=\"")
        .and_then(|rest| rest.split_once("\">"))
        .is_some_and(|(source, rest)| {
            is_source_name(source) && rest.ends_with("</codex_internal_context>")
        })
}

fn is_source_name(source: &str) -> bool {
    source.starts_with(|first: char| first.is_ascii_lowercase())
        && source
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn starts_with_any_ignoring_case(text: &str, prefixes: &[&str]) -> bool {
    let trimmed = text.trim_start();
    prefixes.iter().any(|prefix| starts_with_ignoring_case(trimmed, prefix))
}

fn starts_with_ignoring_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

fn ends_with_ignoring_case(text: &str, suffix: &str) -> bool {
    text.len()
        .checked_sub(suffix.len())
        .and_then(|at| text.get(at..))
        .is_some_and(|tail| tail.eq_ignore_ascii_case(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_text_in_user_messages() {
        // Texts of the conformance cases, then edge cases.
        for text in [
            "# AGENTS.md instructions for /home/dev/acme-web\n\n<INSTRUCTIONS>\nUse tabs.\n</INSTRUCTIONS>",
            "# agents.md INSTRUCTIONS\n\n<INSTRUCTIONS>\nlower case\n</instructions>\n",
            "\n  <ENVIRONMENT_CONTEXT>x</Environment_Context>  \n",
            "<environment_context>\n  <cwd>/home/dev/acme-web</cwd>\n  <shell>bash</shell>\n</environment_context>",
            "<skill>\n<name>lint</name>\nRun the linter.\n</skill>",
            "<user_shell_command>\n<command>\nls\n</command>\n</user_shell_command>",
            "<turn_aborted>\nStopped by the user.\n</turn_aborted>",
            "<subagent_notification>\n{\"agent_path\":\"/root/worker\",\"status\":\"shutdown\"}\n</subagent_notification>",
            "<recommended_plugins>\n- Drive (drive)\n</recommended_plugins>",
            "<external_ticket>ABC-12</external_ticket>",
            "<codex_internal_context source=\"goal\">\nKeep going.\n</codex_internal_context>",
            "<goal_context>\nShip it.\n</goal_context>",
            "Warning: The maximum number of unified exec processes you can keep open is 60 and you have 61.",
            "Warning: Your account was flagged for potentially high-risk cyber activity and was routed elsewhere.",
            "Warning: apply_patch was requested via exec_command. Use the apply_patch tool instead of exec_command.",
            "<hook_prompt hook_run_id=\"h4\">two\nlines</hook_prompt>",
            "<skill></skill>",
            "\u{3000}<skill>☕</SKILL>\u{a0}",
            "<external_></external_>",
            "<external_a b=\"c\">x</external_a b=\"c\">",
            "<codex_internal_context source=\"a_1\"></codex_internal_context>",
        ] {
            assert!(is_contextual_user_text(text), "{text}");
        }
    }

    #[test]
    fn text_of_people() {
        for text in [
            "",
            " ",
            "see <turn_aborted>x</turn_aborted>",
            "<environment_context> never closed",
            "<environment_context>",
            "</environment_context>",
            "<skill>unterminated",
            "<skill",
            "<skill>x</skill> and more",
            "<user_instructions>\nbe nice\n</user_instructions>",
            "<external_a>x</external_b>",
            "<External_a>x</External_a>",
            "<external_a>",
            "<external_a</external_a>",
            "</external_a>",
            "<codex_internal_context source=\"Goal\">x</codex_internal_context>",
            "<codex_internal_context source=\"\">x</codex_internal_context>",
            "<codex_internal_context source=\"1a\">x</codex_internal_context>",
            "<codex_internal_context source=\"a-b\">x</codex_internal_context>",
            "<codex_internal_context>x</codex_internal_context>",
            "<Goal_context>x</goal_context>",
            "<goal_context>x",
            "warning: The maximum number of unified exec processes you can keep open is 60",
            "Warning: apply_patch was requested via exec_command.",
            "<hook_prompt hook_run_id=\"h1\">a & b</hook_prompt>",
            "<skill☕>x</skill>",
            "☕</skill>",
        ] {
            assert!(!is_contextual_user_text(text), "{text}");
        }
    }

    #[test]
    fn client_text_in_developer_messages() {
        for text in [
            "<permissions instructions>\nworkspace-write\n</permissions instructions>",
            "  <Permissions Instructions>odd case",
            "<model_switch>\nnow gpt-5.3\n</model_switch>",
            "<collaboration_mode>plan</collaboration_mode>",
            "<multi_agent_mode>proactive</multi_agent_mode>",
            "<realtime_conversation>off</realtime_conversation>",
            "<skills_instructions>none</skills_instructions>",
            "<personality_spec>brief</personality_spec>",
            "<token_budget>1000</token_budget>",
            "<context_window>2</context_window>",
            "<context_window_guidance>wrap up</context_window_guidance>",
            "<rollout_budget>5</rollout_budget>",
        ] {
            assert!(is_contextual_developer_text(text), "{text}");
        }
        for text in [
            "Always answer in English.",
            "You are helping a small team.",
            "<hook_prompt hook_run_id=\"h4\">two\nlines</hook_prompt>",
            "<turn_aborted>x</turn_aborted>",
            "say <token_budget>",
            "<token_budget",
            "<tokén_budget>",
            // A29 counts it; compat-00039 and worldstate-00235 keep it in front of a prompt that
            // was rolled back.
            "<apps_instructions>none</apps_instructions>",
            "",
        ] {
            assert!(!is_contextual_developer_text(text), "{text}");
        }
    }
}
