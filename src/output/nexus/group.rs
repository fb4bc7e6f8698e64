//! Groups, values and attributes of an HDF5 file as NeXus has them: the only place here that knows the library.

use std::path::{Path, PathBuf};

use rust_hdf5::{DatatypeMessage, H5Dataset, H5File, H5Group, H5Type, HBool, Hdf5Error, VarLenUnicode};

use crate::output::OutputError;

/// Bytes of a chunk, about: of several rows where a row is less.
const CHUNK_BYTES: usize = 1 << 18;

/// A file that is written.
pub(super) struct File {
    file: H5File,
    /// As in messages.
    path: PathBuf,
}

/// A group of it.
pub(super) struct Group {
    group: H5Group,
    /// Where it is, without the first `/`.
    place: String,
    path: PathBuf,
}

impl File {
    /// Makes the file at `temporary`, which messages call `path`, and its root.
    pub(super) fn create(temporary: &Path, path: &Path) -> Result<File, OutputError> {
        // Nobody else knows the file yet, and network disks have no locks.
        let file = H5File::options().no_locking().create(temporary).map_err(|error| failed(path, error))?;
        file.set_attr_string("NX_class", "NXroot").map_err(|error| failed(path, error))?;
        file.set_attr_string("creator", "halor").map_err(|error| failed(path, error))?;
        Ok(File { file, path: path.to_owned() })
    }

    /// Names the entry that viewers show first.
    pub(super) fn default_entry(&self, name: &str) -> Result<(), OutputError> {
        self.file.set_attr_string("default", name).map_err(|error| failed(&self.path, error))
    }

    /// A group below the root.
    pub(super) fn group(&self, name: &str, class: &str) -> Result<Group, OutputError> {
        let group = self.file.create_group(name).map_err(|error| failed(&self.path, error))?;
        let group = Group { group, place: name.to_owned(), path: self.path.clone() };
        group.attribute("NX_class", class)?;
        Ok(group)
    }

    /// All is written and on the disk.
    pub(super) fn close(self) -> Result<(), OutputError> {
        let path = self.path;
        self.file.close().map_err(|error| failed(&path, error))
    }
}

impl Group {
    fn failed(&self, error: Hdf5Error) -> OutputError {
        failed(&self.path, error)
    }

    /// A group in this one.
    pub(super) fn group(&self, name: &str, class: &str) -> Result<Group, OutputError> {
        let name = as_link(name);
        let group = self.group.create_group(&name).map_err(|error| self.failed(error))?;
        let group = Group { group, place: format!("{}/{name}", self.place), path: self.path.clone() };
        group.attribute("NX_class", class)?;
        Ok(group)
    }

    /// What `other` has as `name` stands here too.
    pub(super) fn same(&self, name: &str, other: &Group) -> Result<(), OutputError> {
        let target = format!("/{}/{name}", other.place);
        self.group.link(name, &target).map_err(|error| self.failed(error))
    }

    /// A text beside the values.
    pub(super) fn attribute(&self, name: &str, text: &str) -> Result<(), OutputError> {
        self.group.set_attr_string(name, text).map_err(|error| self.failed(error))
    }

    /// Texts beside the values.
    pub(super) fn attributes(&self, name: &str, texts: &[&str]) -> Result<(), OutputError> {
        self.group.set_attr_string_array(name, texts).map_err(|error| self.failed(error))
    }

    /// A text.
    pub(super) fn text(&self, name: &str, text: &str) -> Result<(), OutputError> {
        // A string of no length is none that HDF5 has.
        let text = if text.is_empty() { " " } else { text };
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let dataset = self.group.new_dataset::<u8>().scalar();
        let dataset = dataset.datatype(DatatypeMessage::fixed_string_utf8(length));
        let dataset = dataset.create(&as_link(name)).map_err(|error| self.failed(error))?;
        dataset.write_raw_bytes(text.as_bytes()).map_err(|error| self.failed(error))
    }

    /// A text for each image or row.
    pub(super) fn texts<'a>(
        &self,
        name: &str,
        texts: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), OutputError> {
        let texts: Vec<&str> = texts.into_iter().collect();
        let written = self.group.write_vlen_strings(&as_link(name), &texts);
        written.map(drop).map_err(|error| self.failed(error))
    }

    /// Yes or no.
    pub(super) fn flag(&self, name: &str, flag: bool) -> Result<(), OutputError> {
        let dataset = self.group.new_dataset::<HBool>().scalar().create(name);
        let dataset = dataset.map_err(|error| self.failed(error))?;
        dataset.write_raw(&[HBool(u8::from(flag))]).map_err(|error| self.failed(error))
    }

    /// One number.
    pub(super) fn number(&self, name: &str, value: f64, unit: &str) -> Result<(), OutputError> {
        let dataset = self.group.new_dataset::<f64>().scalar().create(name);
        let dataset = dataset.map_err(|error| self.failed(error))?;
        dataset.write_raw(&[value]).map_err(|error| self.failed(error))?;
        self.describe(&dataset, &[("units", unit)])
    }

    /// Numbers of this shape in row order, with attributes; those that are empty are left out.
    pub(super) fn numbers<T: H5Type>(
        &self,
        name: &str,
        shape: &[usize],
        values: &[T],
        attributes: &[(&str, &str)],
    ) -> Result<(), OutputError> {
        let dataset = self.group.new_dataset::<T>().shape(shape).create(&as_link(name));
        let dataset = dataset.map_err(|error| self.failed(error))?;
        if !values.is_empty() {
            dataset.write_raw(values).map_err(|error| self.failed(error))?;
        }
        self.describe(&dataset, attributes)
    }

    /// Numbers that grow by one row of shape `row` at a time, `expected` rows at most.
    pub(super) fn growing<T: H5Type>(
        &self,
        name: &str,
        row: &[usize],
        expected: usize,
        attributes: &[(&str, &str)],
    ) -> Result<Growing, OutputError> {
        let row_bytes = row.iter().product::<usize>() * size_of::<T>();
        let rows = (CHUNK_BYTES / row_bytes.max(1)).clamp(1, expected.max(1));
        let with_first =
            |first: usize| -> Vec<usize> { [first].into_iter().chain(row.iter().copied()).collect() };
        let most: Vec<Option<usize>> = [None].into_iter().chain(row.iter().copied().map(Some)).collect();
        let dataset =
            self.group.new_dataset::<T>().shape(with_first(0)).chunk(&with_first(rows)).max_shape(&most);
        let dataset = dataset.create(name).map_err(|error| self.failed(error))?;
        self.describe(&dataset, attributes)?;
        Ok(Growing { dataset, path: self.path.clone() })
    }

    fn describe(&self, dataset: &H5Dataset, attributes: &[(&str, &str)]) -> Result<(), OutputError> {
        for (name, text) in attributes.iter().filter(|(_, text)| !text.is_empty()) {
            let attribute = dataset.new_attr::<VarLenUnicode>().shape(()).create(name);
            let written = attribute.and_then(|attribute| attribute.write_string(text));
            written.map_err(|error| self.failed(error))?;
        }
        Ok(())
    }
}

/// A dataset that grows.
pub(super) struct Growing {
    dataset: H5Dataset,
    path: PathBuf,
}

impl Growing {
    /// One more row.
    pub(super) fn push<T: H5Type>(&self, row: &[T]) -> Result<(), OutputError> {
        self.dataset.append(row).map_err(|error| failed(&self.path, error))
    }
}

/// A name that can be a link: `/` would begin another group.
fn as_link(name: &str) -> String {
    match name.replace('/', "_") {
        name if name.is_empty() || name == "." || name == ".." => "_".to_owned(),
        name => name,
    }
}

fn failed(path: &Path, error: Hdf5Error) -> OutputError {
    OutputError::Io { path: path.to_owned(), action: "write", source: std::io::Error::other(error) }
}
