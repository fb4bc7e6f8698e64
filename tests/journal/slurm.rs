//! On a real Slurm of one node, started here on loopback: an array of four shards, one killed and requeued, one doubled, and the merge.
//!
//! Skipped, with a line that says so, where Slurm and Munge are not installed or the user is not root; with `HALOR_REQUIRE_SLURM=1`
//! that is a failure.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{RUN, Scene};

/// Daemons of a cluster; they end with it.
struct Cluster {
    folder: tempfile::TempDir,
    daemons: Vec<Child>,
}

fn is_there(program: &str) -> bool {
    let search = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&search).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders.into_iter().any(|folder| folder.join(program).is_file())
}

fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned()
}

/// A port that nobody listens on now.
fn port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn until(what: &str, limit_s: u64, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(limit_s), "{what}: not within {limit_s} s");
        std::thread::sleep(Duration::from_millis(100));
    }
}

impl Cluster {
    fn start() -> Cluster {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["state", "spool", "log"] {
            std::fs::create_dir(at(name)).unwrap();
        }
        let (d, h, ports) = (folder.path().display(), host(), [port(), port()]);
        let configuration = format!(
            "ClusterName=loop\nSlurmctldHost={h}(127.0.0.1)\nSlurmctldPort={}\nSlurmdPort={}\nSlurmUser=root\n\
             SlurmdUser=root\nAuthType=auth/munge\nAuthInfo=socket={d}/munge.sock,cred_expire=5\n\
             StateSaveLocation={d}/state\nSlurmdSpoolDir={d}/spool\nSlurmctldPidFile={d}/slurmctld.pid\n\
             SlurmdPidFile={d}/slurmd.pid\nSlurmctldLogFile={d}/log/slurmctld.log\nSlurmdLogFile={d}/log/slurmd.log\n\
             ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nJobAcctGatherType=jobacct_gather/none\n\
             AccountingStorageType=accounting_storage/none\nSelectType=select/cons_tres\n\
             SelectTypeParameters=CR_Core\nMpiDefault=none\nReturnToService=2\nMaxArraySize=10001\n\
             SchedulerParameters=sched_interval=1,batch_sched_delay=0\nMinJobAge=300\n\
             SlurmdParameters=config_overrides\n\
             NodeName={h} NodeAddr=127.0.0.1 CPUs=4 Boards=1 SocketsPerBoard=1 CoresPerSocket=4 ThreadsPerCore=1 \
             RealMemory=100 State=UNKNOWN\n\
             PartitionName=main Nodes={h} Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4\n",
            ports[0], ports[1]
        );
        std::fs::write(at("slurm.conf"), configuration).unwrap();
        // As good as random: nobody else reaches the socket.
        let key: Vec<u8> = (0..1024u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
        std::fs::write(at("munge.key"), key).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(at("munge.key"), std::os::unix::fs::PermissionsExt::from_mode(0o400))
            .unwrap();
        let mut cluster = Cluster { folder, daemons: Vec::new() };
        let option = |name: &str, file: &str| format!("--{name}={}", cluster.path(file).display());
        let munged = [
            option("key-file", "munge.key"),
            option("socket", "munge.sock"),
            option("pid-file", "munged.pid"),
            option("log-file", "log/munged.log"),
            option("seed-file", "seed"),
        ];
        cluster.daemon("munged", &[&["-F".to_owned(), "--force".to_owned()], &munged[..]].concat());
        until("munged", 10, || cluster.path("munge.sock").exists());
        let conf = cluster.path("slurm.conf").display().to_string();
        cluster.daemon("slurmctld", &["-D".into(), "-f".into(), conf.clone()]);
        until("slurmctld", 20, || cluster.slurm("scontrol", &["ping"]).contains("UP"));
        cluster.daemon("slurmd", &["-D".into(), "-N".into(), host(), "-f".into(), conf]);
        until("slurmd", 30, || cluster.slurm("sinfo", &["-h", "-o", "%t"]).contains("idle"));
        cluster
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn daemon(&mut self, program: &str, arguments: &[String]) {
        let log = std::fs::File::create(self.path(&format!("log/{program}.out"))).unwrap();
        let mut command = self.command(program);
        command.args(arguments).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.daemons.push(command.spawn().unwrap());
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("SLURM_CONF", self.path("slurm.conf")).env("PATH", format!("{path}:/usr/sbin:/sbin"));
        command
    }

    fn slurm(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.command(program).args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    /// Jobs that are there and have not ended.
    fn queue(&self) -> String {
        self.slurm("squeue", &["-h", "-o", "%i %t %r"])
    }

    fn logs(&self, more: &Path) -> String {
        let read = |folder: &Path| -> String {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
            let text = |path: PathBuf| {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                let last: Vec<&str> = text.lines().rev().take(20).collect();
                format!("== {}\n{}\n", path.display(), last.into_iter().rev().collect::<Vec<_>>().join("\n"))
            };
            entries.map(text).collect()
        };
        read(&self.path("log")) + &read(more)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.slurm("scancel", &["--user=root"]);
        for daemon in self.daemons.iter_mut().rev() {
            // As the manual says: slurmd and slurmctld end on SIGTERM; munged comes last.
            let _ = Command::new("kill").arg(daemon.id().to_string()).status();
            let start = Instant::now();
            while daemon.try_wait().is_ok_and(|ended| ended.is_none()) {
                if start.elapsed() > Duration::from_secs(5) {
                    let _ = daemon.kill();
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

#[test]
fn an_array_of_shards_on_slurm_is_one_run() {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !root || !["munged", "slurmctld", "slurmd", "sbatch"].into_iter().all(is_there) {
        assert!(
            std::env::var_os("HALOR_REQUIRE_SLURM").is_none(),
            "no Slurm, and HALOR_REQUIRE_SLURM is set"
        );
        eprintln!(
            "skipped: Slurm and Munge are not there, or the user is not root (install slurm-wlm and munge)"
        );
        return;
    }
    let scene = Scene::new();
    let reference = scene.reference();
    let cluster = Cluster::start();
    // The first shard stands still in the midst of its work, until it is killed.
    let gate = scene.path("gate.sh");
    let script = "\
#!/bin/sh
folder=$1
shift
if [ \"$SLURM_ARRAY_TASK_ID\" = 1 ] && [ ! -e \"$folder/begun\" ]; then
    results=$folder/out/results
    while :; do
        \"$@\" &
        while [ ! -e \"$results/a/frames/a_0001.xye\" ]; do :; done
        kill -STOP $!
        state=R
        until [ \"$state\" = T ] || [ \"$state\" = Z ]; do state=$(cut -d' ' -f3 /proc/$!/stat); done
        [ \"$state\" = T ] && break
        # It had come to its end already: once more.
        wait
        rm \"$results/a/frames/a_0001.xye\" \"$results/.halor/samples/a/000000\"
    done
    touch \"$folder/begun\"
    wait
    exit 1
fi
exec \"$@\"
";
    std::fs::write(&gate, script).unwrap();
    let container = format!("sh {} {} {{}}", gate.display(), scene.path(".").display());
    let submit = ["submit", "out/run.yaml", "--engine", "cpu", "--slurm", "--shards", "4", "--at-once", "2"];
    let mut command = scene.command(
        &[&submit[..], &["--partition", "main", "--time", "10", "--container", &container]].concat(),
    );
    command.env("SLURM_CONF", cluster.path("slurm.conf"));
    let output = command.output().unwrap();
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{words}{}", super::said(&output));
    let job = words.split("are job ").nth(1).unwrap().split(',').next().unwrap().to_owned();
    let logs = || cluster.logs(&scene.results().join(".halor/slurm"));

    // It is requeued, which kills it; the second runs here at the same time as there.
    until("the first shard", 30, || scene.path("begun").exists());
    let requeued = cluster.slurm("scontrol", &["requeue", &format!("{job}_1")]);
    // It would wait for twenty seconds.
    let update = ["update", &format!("jobid={job}_1"), "starttime=now"];
    until("the requeued shard", 20, || cluster.slurm("scontrol", &update).is_empty());
    let mut double = scene.command(&[&["--quiet"], &RUN[..], &["--shard", "2/4"]].concat()).spawn().unwrap();
    let double = double.wait().unwrap();
    assert!(double.success(), "{requeued} {}", logs());
    let start = Instant::now();
    while !cluster.queue().trim().is_empty() {
        assert!(start.elapsed() < Duration::from_secs(120), "{}\n{}", cluster.queue(), logs());
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(scene.results().join("run.json").exists(), "requeue: {requeued}\n{}", logs());
    scene.assert_same(&reference);
    let status = scene.halor(&["status", "out/results", "--json"]);
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["finished"], true);
    let of_shard = |number: u64| {
        let sessions = status["sessions"].as_array().unwrap().iter();
        sessions.filter(|session| session["task"]["shard"]["number"] == number).count()
    };
    let sessions: Vec<usize> = (1..=4).map(of_shard).collect();
    assert!(sessions[0] >= 2 && sessions[1..] == [2, 1, 1], "{sessions:?}: {status}");
    let killed = status["sessions"].as_array().unwrap().iter().filter(|session| session["life"] == "gone");
    assert_eq!(killed.count(), 1, "{status}");
}
