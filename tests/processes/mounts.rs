//! Small file systems of a test's own: in a mount namespace that ends with its process, so that no
//! mount is left behind, however the test ends.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::not_tested;

const INSIDE: &str = "SCHWABOT_PROCESS_INSIDE";
/// How to get a namespace: as root, and as a user who is root only inside.
const WAYS: [&[&str]; 2] = [
    &["--mount", "--propagation", "private"],
    &["--mount", "--propagation", "private", "--map-root-user"],
];

/// Runs a test's body, handed a directory, in a process that alone sees its mounts; says so where
/// nothing can be mounted.
pub(crate) fn in_own_mounts(test: &str, body: fn(&Path)) {
    if let Some(dir) = std::env::var_os(INSIDE) {
        return body(Path::new(&dir));
    }
    let dir = tempfile::tempdir().unwrap();
    let works = |way: &&&[&str]| {
        let mut probe = Command::new("unshare");
        probe.args(**way).args(["mount", "-t", "tmpfs", "none"]).arg(dir.path());
        probe.output().is_ok_and(|output| output.status.success())
    };
    let Some(way) = WAYS.iter().find(works) else {
        return not_tested(test, "nothing can be mounted here");
    };
    let mut command = Command::new("unshare");
    command.args(*way).arg(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(INSIDE, dir.path());
    let output = command.output().unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    eprint!("{err}");
    assert!(output.status.success() && out.contains("1 passed"), "{out}");
}

fn mount(args: &[&str], dir: &Path) -> Result<(), String> {
    std::fs::create_dir_all(dir).unwrap();
    let output = Command::new("mount").args(args).arg(dir).output();
    let output = output.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

pub(crate) fn tmpfs(dir: &Path, size: &str) -> Result<(), String> {
    mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "none"], dir)
}

/// Gives a mounted tmpfs another size.
pub(crate) fn resize(dir: &Path, size: &str) {
    mount(&["-o", &format!("remount,size={size}")], dir).unwrap();
}

/// Shows a directory at a second place, where nobody may write.
pub(crate) fn read_only(of: &Path, dir: &Path) -> Result<(), String> {
    mount(&["--bind", of.to_str().unwrap()], dir)?;
    mount(&["-o", "remount,ro,bind"], dir)
}

/// A file system in a file of 4 MiB, most of it taken.
pub(crate) fn ext4(dir: &Path) -> Result<(), String> {
    let image = dir.with_extension("image");
    std::fs::File::create(&image).unwrap().set_len(4 << 20).unwrap();
    let made = Command::new("mkfs.ext4").args(["-q", "-F", "-m", "0"]).arg(&image).output();
    let made = made.map_err(|error| format!("mkfs.ext4: {error}"))?;
    if !made.status.success() {
        return Err(String::from_utf8_lossy(&made.stderr).trim().to_owned());
    }
    mount(&["-o", "loop", image.to_str().unwrap()], dir)?;
    std::fs::write(dir.join("taken"), vec![1; 1800 << 10]).map_err(|error| error.to_string())
}

/// Takes the last byte of a file system, with a file of that name.
pub(crate) fn fill_up(dir: &Path, name: &str) -> PathBuf {
    use std::io::Write;
    let path = dir.join(name);
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(&path).unwrap();
    for bytes in [64 << 10, 4 << 10, 1] {
        while file.write_all(&vec![1; bytes]).and_then(|()| file.sync_all()).is_ok() {}
    }
    path
}
