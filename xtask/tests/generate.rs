//! `cargo xtask generate`.

use crate::xtask;

#[test]
fn a_seed_gives_the_same_bytes_and_never_overwrites() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let make = |name: &str, seed: &str| {
        let path = path(name);
        xtask(&["generate", &path, "--shape", "tiny", "--mb", "1", "--seed", seed])
    };
    for (name, seed) in [("one", "7"), ("two", "7"), ("other", "8")] {
        let ran = make(name, seed);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    let read = |name: &str| std::fs::read(path(name)).unwrap();
    assert!(read("one").len() >= 1_000_000);
    assert!(read("one") == read("two"));
    assert!(read("one") != read("other"));
    assert_ne!(make("one", "9").code, 0);
    assert!(read("one") == read("two"), "nothing was overwritten");
}

#[test]
fn a_seed_gives_the_same_home_and_never_overwrites() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let make = |name: &str, seed: &str| {
        xtask(&["generate", "--out-home", &path(name), "--threads", "60", "--seed", seed])
    };
    for (name, seed) in [("one", "7"), ("two", "7"), ("other", "8")] {
        let ran = make(name, seed);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(ran.stdout.contains("60 threads"), "{}", ran.stdout);
    }
    let read = |name: &str| {
        let home = rollfold_projector::Home::at(path(name));
        let files = home.scan().unwrap().files.into_iter();
        let files = files.map(|file| (file.key.clone(), std::fs::read(file.file_path()).unwrap()));
        files.collect::<Vec<_>>()
    };
    assert_eq!(read("one").len(), 60);
    assert!(read("one") == read("two"));
    assert!(read("one") != read("other"));
    assert_ne!(make("one", "9").code, 0);
    assert!(read("one") == read("two"), "nothing was overwritten");
}
