use super::*;

/// An EDF of 8 × 4 pixels whose values are `value`.
fn whole(value: u8) -> Vec<u8> {
    let mut bytes =
        b"{\nByteOrder = LowByteFirst ;\nDataType = UnsignedByte ;\nDim_1 = 8 ;\nDim_2 = 4 ;\n".to_vec();
    bytes.resize(510, b' ');
    bytes.extend(b"}\n");
    bytes.extend([value; 32]);
    bytes
}

struct Folder {
    dir: tempfile::TempDir,
    poller: Poller,
}

impl Folder {
    fn new(settings: PollerSettings) -> Folder {
        Folder { dir: tempfile::tempdir().unwrap(), poller: Poller::new(settings) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn look(&mut self) -> Vec<Event> {
        let entries = std::fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let paths = entries.filter(|path| path.extension().is_some_and(|e| e == "edf")).collect();
        self.poller.look(&paths, &Completeness::of)
    }
}

/// A thousand files over many looks: one hundred in two pieces with pauses between, others written again, renamed or removed. What is
/// given is whole at that moment, every file is given once, and again only when it was written again.
#[test]
fn none_of_a_thousand_is_read_early_missed_or_read_twice() {
    let mut folder = Folder::new(PollerSettings { patience: 50, ..PollerSettings::default() });
    let name = |index: usize| format!("f_{index:04}.edf");
    let mut given: BTreeMap<PathBuf, usize> = BTreeMap::new();
    let (mut rewritten, mut renamed, mut vanished) = (0, 0, 0);
    let mut take = |folder: &mut Folder| {
        for event in folder.look() {
            match event {
                Event::New(path) => {
                    let bytes = std::fs::read(&path).unwrap();
                    assert_eq!(bytes.len(), 544, "{} was read early", path.display());
                    *given.entry(path).or_default() += 1;
                }
                Event::Rewritten(path) => {
                    assert_eq!(std::fs::read(&path).unwrap(), whole(9), "{}", path.display());
                    assert_eq!(given[&path], 1);
                    rewritten += 1;
                }
                Event::Renamed { from, to } => {
                    let count = given.remove(&from).unwrap();
                    given.insert(to, count);
                    renamed += 1;
                }
                Event::Vanished(path) => {
                    assert_eq!(given.remove(&path), Some(1));
                    vanished += 1;
                }
                Event::Incomplete { path, .. } => panic!("{} is only late", path.display()),
                Event::OutOfSight(_) => panic!("files are there"),
            }
        }
    };
    for batch in 0..100 {
        for index in 10 * batch..10 * batch + 10 {
            // Of each ten one is cut: at its header, inside it, in its data, or empty, and stays so over several looks.
            let cut = [0, 7, 300, 512, 540][batch % 5];
            let bytes = whole(1);
            folder.write(&name(index), if index % 10 == 3 { &bytes[..cut] } else { &bytes });
        }
        take(&mut folder);
        if batch >= 4 {
            // The one of four looks ago is finished.
            folder.write(&name(10 * (batch - 4) + 3), &whole(1));
        }
        if batch % 10 == 5 {
            // Written again with the same size, in pieces; renamed; removed.
            folder.write(&name(10 * batch), &whole(9)[..200]);
            take(&mut folder);
            folder.write(&name(10 * batch), &whole(9));
            std::fs::rename(folder.path(&name(10 * batch + 1)), folder.path(&format!("moved_{batch}.edf")))
                .unwrap();
            std::fs::remove_file(folder.path(&name(10 * batch + 2))).unwrap();
        }
        take(&mut folder);
    }
    for batch in 96..100 {
        folder.write(&name(10 * batch + 3), &whole(1));
    }
    for _ in 0..4 {
        take(&mut folder);
    }
    assert!(given.values().all(|count| *count == 1));
    assert_eq!((given.len(), rewritten, renamed, vanished), (990, 10, 10, 10));
}

#[test]
fn a_file_that_stays_cut_is_named_once_and_taken_when_it_is_finished() {
    let mut folder = Folder::new(PollerSettings { patience: 3, absence: 0, ..PollerSettings::default() });
    folder.write("a.edf", &whole(1)[..530]);
    let mut events = Vec::new();
    for _ in 0..8 {
        events.extend(folder.look());
    }
    let [Event::Incomplete { path, reason }] = events.as_slice() else { panic!("{events:?}") };
    assert!(*path == folder.path("a.edf") && reason.contains("cut short"), "{reason}");
    folder.write("a.edf", &whole(1));
    assert_eq!(folder.look(), [Event::New(folder.path("a.edf"))]);
    assert_eq!(folder.look(), []);
}

#[test]
fn what_does_not_tell_its_end_is_taken_when_it_holds_still() {
    let mut folder = Folder::new(PollerSettings::default());
    let paths = BTreeSet::from([folder.path("a.bin")]);
    let unknown = |_: &Path| Completeness::Unknown;
    for length in 1..4 {
        folder.write("a.bin", &vec![0; length]);
        assert_eq!(folder.poller.look(&paths, &unknown), []);
    }
    assert_eq!(folder.poller.look(&paths, &unknown), [Event::New(folder.path("a.bin"))]);
    assert_eq!(folder.poller.look(&paths, &unknown), []);
    folder.write("a.bin", &[1; 9]);
    assert_eq!(folder.poller.look(&paths, &unknown), []);
    assert_eq!(folder.poller.look(&paths, &unknown), [Event::Rewritten(folder.path("a.bin"))]);
}

#[test]
fn a_disk_that_is_gone_takes_no_file_with_it() {
    let mut folder = Folder::new(PollerSettings { absence: 0, ..PollerSettings::default() });
    let names = ["a.edf", "b.edf"];
    names.iter().for_each(|name| folder.write(name, &whole(1)));
    assert_eq!(folder.look().len(), 2);
    let all: BTreeSet<PathBuf> = names.iter().map(|name| folder.path(name)).collect();
    let aside = folder.path("aside");
    std::fs::create_dir(&aside).unwrap();
    let move_all = |from: &Path, to: &Path| {
        names.iter().for_each(|name| std::fs::rename(from.join(name), to.join(name)).unwrap());
    };
    move_all(folder.dir.path(), &aside);
    assert_eq!(folder.look(), [Event::OutOfSight(2)]);
    assert_eq!(folder.look(), [], "it is told once");
    move_all(&aside, folder.dir.path());
    assert_eq!(folder.look(), [], "they are what they were");
    // One of two is removed; and the folder of all is not there any more.
    std::fs::remove_file(folder.path("a.edf")).unwrap();
    assert_eq!(folder.look(), [Event::Vanished(folder.path("a.edf"))]);
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::rename(folder.dir.path(), elsewhere.path().join("unmounted")).unwrap();
    assert_eq!(folder.poller.look(&all, &Completeness::of), [Event::OutOfSight(1)]);
}

#[test]
fn a_file_with_a_dataset_is_gone_when_it_is_removed() {
    let mut folder = Folder::new(PollerSettings { absence: 0, ..PollerSettings::default() });
    folder.write("a.h5", &[1]);
    folder.write("b.edf", &whole(1));
    let named = |name: &str| PathBuf::from(format!("{}::/entry/data", folder.path(name).display()));
    let (dataset, other) = (named("a.h5"), folder.path("b.edf"));
    let paths = BTreeSet::from([dataset.clone(), other]);
    let whole = |_: &Path| Completeness::Whole;
    assert_eq!(folder.poller.look(&paths, &whole).len(), 2);
    std::fs::remove_file(folder.path("a.h5")).unwrap();
    assert_eq!(folder.poller.look(&paths, &whole), [Event::Vanished(dataset)]);
}

#[test]
fn an_old_file_is_taken_without_being_read() {
    let mut folder = Folder::new(PollerSettings::default());
    folder.write("a.edf", &whole(1)[..530]);
    let file = std::fs::File::options().write(true).open(folder.path("a.edf")).unwrap();
    file.set_modified(std::time::SystemTime::now() - Duration::from_secs(3600)).unwrap();
    // The run names what is wrong with it.
    assert_eq!(folder.look(), [Event::New(folder.path("a.edf"))]);
    folder.write("a.edf", &whole(1));
    assert_eq!(folder.look(), [Event::Rewritten(folder.path("a.edf"))]);
}
