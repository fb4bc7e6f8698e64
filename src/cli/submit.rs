//! `halor submit`: the shards of a run as jobs of a cluster.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use clap::Args;
use halor::batch::SlurmJob;
use halor::output::{Existing, make_folder, write_file};

use super::{Outcome, RunFileArgs, print, say};

#[derive(Debug, Args)]
pub(super) struct SubmitArgs {
    #[command(flatten)]
    file: RunFileArgs,
    /// To Slurm, with sbatch: a job array and a merge that follows it.
    #[arg(long, required = true)]
    slurm: bool,
    /// How many shards.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    shards: u32,
    /// How many of them run at once; as many as the cluster lets, unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    at_once: Option<u32>,
    /// Partition.
    #[arg(long)]
    partition: Option<String>,
    /// Time limit of a shard, and of the merge, such as 02:00:00.
    #[arg(long)]
    time: Option<String>,
    /// A GPU for each shard, or what stands after `gpu:`, such as `a100:1`.
    #[arg(long, num_args = 0..=1, default_missing_value = "1", value_name = "KIND")]
    gpu: Option<String>,
    /// Processor cores for each shard, and for the merge.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    cpus: Option<u32>,
    /// Memory for each shard, and for the merge, such as 16G.
    #[arg(long)]
    memory: Option<String>,
    /// Another option of sbatch as it is, such as `--option=--account=pdf`; may be given several times.
    #[arg(long = "option", value_name = "OPTION", allow_hyphen_values = true)]
    options: Vec<String>,
    /// A command with {} where halor's is put, such as `apptainer exec --nv halor.sif {}`.
    #[arg(long, value_name = "COMMAND")]
    container: Option<String>,
    /// The program as the nodes reach it; this one, unless given.
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
    /// Print the two scripts and submit nothing.
    #[arg(long)]
    print: bool,
}

pub(super) fn submit(args: &SubmitArgs) -> anyhow::Result<Outcome> {
    let loaded = match args.file.load() {
        Ok(loaded) => loaded,
        Err(outcome) => return Ok(outcome),
    };
    if args.container.as_deref().is_some_and(|command| !command.contains("{}")) {
        say(
            "error: --container has no {}: say where halor's command goes, as in `apptainer exec halor.sif {}`",
        );
        return Ok(Outcome::Configuration);
    }
    let program = match &args.program {
        Some(program) => program.clone(),
        None => std::env::current_exe().context("where this program is; give --program")?,
    };
    let job = SlurmJob {
        name: format!("halor-{}", args.file.run_file.file_stem().unwrap_or_default().to_string_lossy()),
        program,
        arguments: args.file.arguments(),
        output: std::path::absolute(&loaded.config.output)?,
        shards: args.shards as usize,
        at_once: args.at_once.map(|count| count as usize),
        partition: args.partition.clone(),
        time: args.time.clone(),
        gres: args.gpu.as_ref().map(|gpu| format!("gpu:{gpu}")),
        cpus: args.cpus.map(|count| count as usize),
        memory: args.memory.clone(),
        options: args.options.clone(),
        container: args.container.clone(),
    };
    if args.print {
        print(&format!("{}\n{}", job.shards_script(), job.merge_script().trim_end()));
        return Ok(Outcome::Done);
    }
    let folder = job.folder();
    make_folder(&folder)?;
    let script = |name: &str, text: String| -> anyhow::Result<PathBuf> {
        let path = folder.join(name);
        write_file(&path, text.as_bytes(), Existing::Replace)?;
        Ok(path)
    };
    let (shards, merge) =
        (script("shards.sh", job.shards_script())?, script("merge.sh", job.merge_script())?);
    let shards = sbatch(&[], &shards)?;
    let after = format!("--dependency=afterany:{shards}");
    let merge = sbatch(&[&after], &merge).with_context(|| {
        format!("the shards are job {shards} already; cancel it, or run `halor merge` when it has ended")
    })?;
    print(&format!(
        "{} shards are job {shards}, the merge after them is job {merge}; `halor status {}` tells how far they are",
        job.shards,
        loaded.config.output.display()
    ));
    Ok(Outcome::Done)
}

/// The number of the job.
fn sbatch(options: &[&str], script: &Path) -> anyhow::Result<String> {
    let output = Command::new("sbatch").arg("--parsable").args(options).arg(script).output();
    let output = output
        .context("sbatch cannot be started; submit from a machine of the cluster, or look at --print")?;
    if !output.status.success() {
        bail!("sbatch refused {}: {}", script.display(), String::from_utf8_lossy(&output.stderr).trim());
    }
    // With several clusters, `number;cluster`.
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.trim().split(';').next().unwrap_or_default().to_owned())
}
