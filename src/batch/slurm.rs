//! Scripts that run the shards of a run as a Slurm job array, and their merge after it.

use std::fmt::Write;
use std::path::PathBuf;

use super::journal::JOURNAL_FOLDER;

/// What a Slurm job of shards is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlurmJob {
    /// In words, for the queue.
    pub name: String,
    /// The program, as the nodes reach it.
    pub program: PathBuf,
    /// What `halor run` and `halor merge` are given: the run file and what changes it.
    pub arguments: Vec<String>,
    /// Output folder of the run.
    pub output: PathBuf,
    /// How many shards there are.
    pub shards: usize,
    /// How many run at once; `None` = as many as the cluster lets.
    pub at_once: Option<usize>,
    /// `--partition`.
    pub partition: Option<String>,
    /// `--time`.
    pub time: Option<String>,
    /// `--gres`, such as `gpu:1`; of the shards only.
    pub gres: Option<String>,
    /// `--cpus-per-task`.
    pub cpus: Option<usize>,
    /// `--mem`.
    pub memory: Option<String>,
    /// Further options, such as `--account=x`.
    pub options: Vec<String>,
    /// A command with `{}` where halor's stands, such as `apptainer exec --nv halor.sif {}`.
    pub container: Option<String>,
}

impl SlurmJob {
    /// Folder of scripts and of what jobs print.
    pub fn folder(&self) -> PathBuf {
        self.output.join(JOURNAL_FOLDER).join("slurm")
    }

    /// The job array, a shard in each task. What is killed is begun again, and goes on with what it has done.
    pub fn shards_script(&self) -> String {
        let at_once = self.at_once.map_or_else(String::new, |count| format!("%{count}"));
        let mut script = self.head("shard", Some(format!("1-{}{at_once}", self.shards)));
        self.gres.iter().for_each(|gres| option(&mut script, "gres", gres));
        let shard = format!("--shard \"$SLURM_ARRAY_TASK_ID/{}\"", self.shards);
        script + &self.body("run", &shard)
    }

    /// The merge. It comes after all shards, however they ended: the journal says whether all is done, not the scheduler.
    pub fn merge_script(&self) -> String {
        self.head("merge", None) + &self.body("merge", "")
    }

    fn head(&self, what: &str, array: Option<String>) -> String {
        let mut script = String::from("#!/bin/bash\n");
        option(&mut script, "job-name", &format!("{}-{what}", self.name));
        array.iter().for_each(|array| option(&mut script, "array", array));
        let log = array.map_or("merge-%j.log", |_| "shard-%A_%a.log");
        let folder = self.folder().to_string_lossy().replace('%', "%%");
        option(&mut script, "output", &format!("{folder}/{log}"));
        script += "#SBATCH --open-mode=append\n#SBATCH --requeue\n#SBATCH --ntasks=1\n";
        self.partition.iter().for_each(|partition| option(&mut script, "partition", partition));
        self.time.iter().for_each(|time| option(&mut script, "time", time));
        self.cpus.iter().for_each(|cpus| option(&mut script, "cpus-per-task", &cpus.to_string()));
        self.memory.iter().for_each(|memory| option(&mut script, "mem", memory));
        // Writing to a String cannot fail.
        for option in &self.options {
            let _ = writeln!(script, "#SBATCH {option}");
        }
        script
    }

    fn body(&self, command: &str, more: &str) -> String {
        let words: Vec<String> = [self.program.to_string_lossy().as_ref(), "--quiet", command]
            .into_iter()
            .chain(self.arguments.iter().map(String::as_str))
            .map(quoted)
            .collect();
        let halor = [words.join(" "), more.to_owned()].join(" ");
        // A command around it may be several.
        let line = match &self.container {
            Some(container) => container.replace("{}", halor.trim_end()),
            None => format!("exec {}", halor.trim_end()),
        };
        let threads = match self.cpus {
            Some(_) => "export RAYON_NUM_THREADS=\"${SLURM_CPUS_PER_TASK:-1}\"\n",
            None => "",
        };
        format!("{threads}{line}\n")
    }
}

/// `#SBATCH --key="value"`.
fn option(script: &mut String, key: &str, value: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(script, "#SBATCH --{key}=\"{}\"", value.replace('"', "\\\""));
}

/// For the shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,%+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> SlurmJob {
        SlurmJob {
            name: "bmg".into(),
            program: "/opt/halor".into(),
            arguments: vec!["/data/a run.yaml".into(), "--set".into(), "pdf.window=none".into()],
            output: "/data/out".into(),
            shards: 8,
            at_once: Some(4),
            partition: Some("gpu".into()),
            time: Some("01:00:00".into()),
            gres: Some("gpu:1".into()),
            cpus: Some(8),
            memory: None,
            options: vec!["--account=pdf".into()],
            container: Some("apptainer exec --nv 'halor.sif' {}".into()),
        }
    }

    #[test]
    fn scripts_say_what_was_asked() {
        assert_eq!(
            job().shards_script(),
            "#!/bin/bash\n#SBATCH --job-name=\"bmg-shard\"\n#SBATCH --array=\"1-8%4\"\n\
             #SBATCH --output=\"/data/out/.halor/slurm/shard-%A_%a.log\"\n\
             #SBATCH --open-mode=append\n#SBATCH --requeue\n#SBATCH --ntasks=1\n\
             #SBATCH --partition=\"gpu\"\n#SBATCH --time=\"01:00:00\"\n#SBATCH --cpus-per-task=\"8\"\n\
             #SBATCH --account=pdf\n#SBATCH --gres=\"gpu:1\"\n\
             export RAYON_NUM_THREADS=\"${SLURM_CPUS_PER_TASK:-1}\"\n\
             apptainer exec --nv 'halor.sif' /opt/halor --quiet run '/data/a run.yaml' --set \
             pdf.window=none --shard \"$SLURM_ARRAY_TASK_ID/8\"\n"
        );
        let merge = SlurmJob { container: None, cpus: None, ..job() }.merge_script();
        assert!(!merge.contains("gres") && !merge.contains("array"), "{merge}");
        assert!(
            merge.ends_with("\nexec /opt/halor --quiet merge '/data/a run.yaml' --set pdf.window=none\n")
        );
    }

    #[cfg(unix)]
    #[test]
    fn words_are_safe_in_the_shell() {
        for word in ["a b", "it's", "$HOME", "`x`", "", "a;b", "\\"] {
            let script = format!("printf %s {}", quoted(word));
            let output = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word);
        }
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted("a/b.yaml"), "a/b.yaml");
    }
}
