//! Hook prompts: what a hook told the model, kept as XML inside a user message (R26, FORMAT.md
//! section 12).

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde::Deserialize;

/// The attribute that makes an element a hook prompt. XML has no way of spelling a name in escapes,
/// so a text without these letters is none.
const RUN_ID: &str = "hook_run_id";

/// Writers emit one element. quick-xml's deserializer loses a namespace level per skipped child and
/// overflows at 65,536 of them, a panic wherever overflow is checked.
const MAX_ELEMENTS: usize = 4096;

/// Writers emit one attribute. quick-xml looks for repeated ones in quadratic time.
const MAX_ATTRIBUTES: usize = 256;

/// One hook prompt (R26): the text shown, and the run of the hook that said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookFragment {
    /// The element's text, entities decoded, inner white space kept.
    pub text: String,
    /// The attribute's value, entities decoded.
    pub hook_run_id: String,
}

/// The shape the reference reads. Serde's names decide the quirks: the element may have any name, a
/// child element beside the text is skipped, and text on both sides of one is a repeated field,
/// hence no hook prompt.
#[derive(Deserialize)]
struct Element {
    #[serde(rename = "@hook_run_id")]
    hook_run_id: String,
    #[serde(rename = "$text")]
    text: String,
}

/// R26: the text as a hook prompt, if it is one (FORMAT.md section 12, "Hook prompt text").
///
/// Linear in the text. Only the five predefined entities exist, so nothing expands. An element with
/// more than 4096 elements, 256 attributes or a `<!DOCTYPE` in a child is not a hook prompt,
/// whatever the reference makes of it.
#[must_use]
pub fn parse_fragment(text: &str) -> Option<HookFragment> {
    let xml = text.trim();
    memchr::memmem::find(xml.as_bytes(), RUN_ID.as_bytes())?;
    if !is_safe(xml) {
        return None;
    }
    let Element { hook_run_id, text } = quick_xml::de::from_str(xml).ok()?;
    (!hook_run_id.trim().is_empty()).then_some(HookFragment { text, hook_run_id })
}

/// Whether the deserializer may have the text: its first element keeps to the limits and has no
/// document type in a child. Broken XML may: the deserializer stops where this does.
fn is_safe(xml: &str) -> bool {
    let mut reader = Reader::from_str(xml);
    let mut elements = 0_usize;
    let mut depth = 0_usize;
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                elements += 1;
                depth += 1;
                if elements > MAX_ELEMENTS || !has_few_attributes(&start) {
                    return false;
                }
            }
            Ok(Event::Empty(start)) => {
                elements += 1;
                if elements > MAX_ELEMENTS || !has_few_attributes(&start) {
                    return false;
                }
                if depth == 0 {
                    return true;
                }
            }
            Ok(Event::End(_)) => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return true;
                }
            }
            // quick-xml takes the texts around it for two, which it holds to be unreachable.
            Ok(Event::DocType(_)) if depth > 1 => return false,
            Ok(Event::Eof) | Err(_) => return true,
            Ok(_) => {}
        }
    }
}

fn has_few_attributes(start: &BytesStart<'_>) -> bool {
    let mut attributes = start.attributes();
    attributes.with_checks(false).nth(MAX_ATTRIBUTES).is_none()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parsed(text: &str) -> Option<(String, String)> {
        parse_fragment(text).map(|fragment| (fragment.hook_run_id, fragment.text))
    }

    fn hook(id: &str, text: &str) -> Option<(String, String)> {
        Some((id.to_owned(), text.to_owned()))
    }

    #[test]
    fn conformance_texts_that_are_hook_prompts() {
        let cases = [
            (
                "<hook_prompt hook_run_id=\"hook-run-1\">Retry with tests.</hook_prompt>",
                "hook-run-1",
                "Retry with tests.",
            ),
            (
                "<hook_prompt hook_run_id=\"hook-run-2\">care &amp; joy &lt;ok&gt; &quot;q&quot; &#39;s&#39;</hook_prompt>",
                "hook-run-2",
                "care & joy <ok> \"q\" 's'",
            ),
            (
                "  <hook_prompt hook_run_id='run:3'>single quoted</hook_prompt>\n",
                "run:3",
                "single quoted",
            ),
            ("<hook_prompt hook_run_id=\"h4\">two\nlines</hook_prompt>", "h4", "two\nlines"),
            ("<hook_prompt hook_run_id=\"h5\" >unicode ☕</hook_prompt >", "h5", "unicode ☕"),
            ("<note hook_run_id=\"n1\">other root</note>", "n1", "other root"),
        ];
        for (text, id, inner) in cases {
            assert_eq!(parsed(text), hook(id, inner), "{text}");
        }
    }

    #[test]
    fn conformance_texts_that_are_not() {
        for text in [
            "<hook_prompt hook_run_id=\"\">blank id</hook_prompt>",
            "<hook_prompt hook_run_id=\"h1\">a & b</hook_prompt>",
            "<hook_prompt hook_run_id=\"n1\"/>",
            "<hook_prompt hook_run_id=\"n1\">   </hook_prompt>",
            "<hook_prompt hook_run_id=\"n1\"></hook_prompt>",
            "<hook_prompt hook_run_id=\"n1\">x</hook_promp>",
            "<hook_prompt>no id</hook_prompt>",
            "see <turn_aborted>x</turn_aborted>",
            "",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn xml_is_read_as_the_reference_reads_it() {
        let yes = [
            // Anything after the element, well-formed or not.
            ("<a hook_run_id='x'>t</a> trailing <z", "t"),
            ("<a hook_run_id='x'>t</a><b hook_run_id='y'>u</b>", "t"),
            // What may come before it.
            ("<?xml version='1.0'?><!-- c -->\n<a hook_run_id='x'>t</a>", "t"),
            ("<!DOCTYPE a [<!ENTITY e 'v'>]><a hook_run_id='x'>t</a>", "t"),
            ("\u{feff}<a hook_run_id='x'>t</a>", "t"),
            // Text, CDATA, references and comments are one text; line ends become LF.
            ("<a hook_run_id='x'> <![CDATA[<q>]]>&amp;<!-- c -->&#65;<?p?> d </a>", " <q>&A d "),
            ("<a hook_run_id='x'>a\r\nb\rc</a>", "a\nb\nc"),
            ("<a hook_run_id='x'>\n  t  \n</a>", "\n  t  \n"),
            // Attributes and child elements of any kind, as long as the text is in one piece.
            ("<a one='1' hook_run_id='x' two=\"2\">t</a>", "t"),
            ("<a p:hook_run_id='x'>t</a>", "t"),
            ("<a hook_run_id='x'>t<b>c</b></a>", "t"),
            ("<a hook_run_id='x'><b><c/></b>t</a>", "t"),
        ];
        for (text, inner) in yes {
            assert_eq!(parsed(text), hook("x", inner), "{text}");
        }
        for text in [
            "lead <a hook_run_id='x'>t</a>",
            "<a hook_run_id='x'>t<b>c</b>u</a>",
            "<a hook_run_id='x'><b>c</b></a>",
            "<a hook_run_id='x' hook_run_id='y'>t</a>",
            "<a hook_run_id='x' one='1' one='1'>t</a>",
            "<a hook_run_id=x>t</a>",
            "<a hook_run_id='x' bare>t</a>",
            "<a hook_run_id='  '>t</a>",
            "<a hook_run_id='x'>&nbsp;</a>",
            "<a hook_run_id='x'>&#0;</a>",
            "<a hook_run_id='x'><![CDATA[ ]]></a>",
            "<a hook_run_id='x'>t",
            "<b><a hook_run_id='x'>t</a></b>",
            "hook_run_id",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
        assert_eq!(parsed("<a hook_run_id=' &lt;1&gt; '>t</a>"), hook(" <1> ", "t"));
    }

    #[test]
    fn hostile_texts_end_quickly_and_do_not_panic() {
        let bomb = format!(
            "<!DOCTYPE a [<!ENTITY l0 'ha'>{}]><a hook_run_id='x'>&l9;</a>",
            (1..10)
                .map(|n| format!("<!ENTITY l{n} '{}'>", format!("&l{};", n - 1).repeat(10)))
                .collect::<String>()
        );
        assert_eq!(parsed(&bomb), None);
        let attributes: String = (0..100_000).map(|n| format!(" a{n}=''")).collect();
        assert_eq!(parsed(&format!("<a hook_run_id='x'{attributes}>t</a>")), None);
        for unit in [
            "<b>",
            "<b/>",
            "<b><b/></b>",
            "<b><c/></b>",
            "</b>",
            "&amp;",
            "&l0;",
            "<!--",
            "<![CDATA[",
            "<!",
            "<?",
        ] {
            let many = unit.repeat(100_000);
            parsed(&format!("<a hook_run_id='x'>t{many}</a>"));
            parsed(&format!("<a hook_run_id='x'>{many}t</a>"));
            parsed(&format!("{many}<a hook_run_id='x'>t</a>"));
            parsed(&format!("<a hook_run_id='{many}'>t</a>"));
        }
        let text = "&amp;".repeat(100_000);
        let fragment = parse_fragment(&format!("<a hook_run_id='x'>{text}</a>")).unwrap();
        assert_eq!(fragment.text.len(), 100_000);
    }

    #[test]
    fn document_types_inside_elements_do_not_panic() {
        let text = "<a hook_run_id='x'><$text>t<!DOCTYPE d []>u</$text></a>";
        assert_eq!(parsed(text), None);
        assert_eq!(parsed("<a hook_run_id='x'>t<!DOCTYPE d []></a>"), hook("x", "t"));
    }

    #[test]
    fn limits_are_far_above_what_is_written() {
        let children = "<b><c/></b>".repeat(2000);
        assert!(parsed(&format!("<a hook_run_id='x'>t{children}</a>")).is_some());
        let attributes: String = (0..200).map(|n| format!(" a{n}=''")).collect();
        assert!(parsed(&format!("<a hook_run_id='x'{attributes}>t</a>")).is_some());
    }
}
