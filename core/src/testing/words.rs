//! The vocabulary of generated text.

/// Common words, the most frequent first.
pub(super) const WORDS: &str = "\
the to and of a in is for that it with this as on be by not are from or an if at was can will has \
have file test now when which all you but after code use line one into so no we function only error \
then also new first there before should because same read run check still its change path returns \
build value each both does output result next set current type add would how need what two another \
make where fix state call name already list without more other using local main default keep record \
event turn item thread parser commit branch update config module field string number size page index \
server client request response status message token model tool patch review session context history \
writer reader source target store cache batch cursor offset length prefix suffix header body footer \
schema table row column key query filter sort order limit range scan merge split join group count sum \
time clock date zone hour minute second timeout retry delay budget quota usage rate window frame block \
chunk stream buffer queue stack tree graph node edge leaf root parent child sibling walk visit depth \
level layer stage phase step task job worker pool lock mutex guard owner lease handle signal channel \
socket port host address route proxy gateway bridge tunnel packet frame digest hash seed salt nonce \
sign verify encode decode escape quote parse render format print trace debug warn panic abort recover \
restore resume rewind replay fold reduce project snapshot version upgrade migrate rollback revert \
deploy release install package crate workspace folder directory archive compress extract copy move \
rename remove delete create insert append truncate replace match pattern regex glob wildcard token \
lexer grammar syntax semantic symbol scope binding closure iterator option variant struct trait enum \
generic lifetime borrow reference pointer memory heap arena page fault swap thread process kernel \
driver device sensor memory screen button dialog widget layout theme color font icon image audio \
video canvas camera shader vertex matrix vector tensor gradient kernel epoch dataset sample label \
weight bias metric score accuracy latency throughput median percentile average maximum minimum bound \
floor ceiling round exact rough likely unlikely maybe always never often rarely twice once again \
further rather instead however therefore although unless until while during between across through \
around behind beneath beyond inside outside toward upward quickly slowly safely cleanly fully partly";

/// Words outside ASCII: two, three and four bytes per character, right to left, combining.
pub(super) const FOREIGN: [&str; 16] = [
    "na\u{ef}ve",
    "caf\u{e9}",
    "gr\u{f6}\u{df}e",
    "\u{434}\u{430}\u{43d}\u{43d}\u{44b}\u{435}",
    "\u{65e5}\u{672c}\u{8a9e}",
    "\u{c5}\u{e9}\u{ef}",
    "\u{2192}",
    "\u{2713}",
    "\u{1f680}",
    "\u{1f469}\u{200d}\u{1f4bb}",
    "\u{2026}",
    "\u{3b1}\u{3b2}",
    "\u{5e9}\u{5dc}",
    "e\u{301}",
    "\u{201c}ok\u{201d}",
    "\u{4e2d}\u{6587}",
];
