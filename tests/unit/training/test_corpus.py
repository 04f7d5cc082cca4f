import pytest

from training.corpus import read_corpus
from training.errors import CorpusError


def test_documents_come_back_whole_and_in_order(write_corpus):
    documents = ["One.\n\nTwo.", "Three.", "Four."]
    folder = write_corpus({"a.txt.xz": documents[:2], "b.txt.xz": documents[2:]})
    corpus = read_corpus(folder, ("a.txt.xz", "b.txt.xz"))
    assert list(corpus.documents) == documents
    assert set(corpus.checksums) == {"a.txt.xz", "b.txt.xz"}


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CorpusError, match=r"nowhere.*--corpus FOLDER"):
        read_corpus(tmp_path / "nowhere")


def test_a_missing_file_is_named(corpus_folder):
    (corpus_folder / "stories.txt.xz").unlink()
    with pytest.raises(CorpusError, match=r"lacks stories\.txt\.xz"):
        read_corpus(corpus_folder)


def test_a_missing_readme_is_named(corpus_folder):
    (corpus_folder / "README.md").unlink()
    with pytest.raises(CorpusError, match=r"lacks README\.md"):
        read_corpus(corpus_folder)


def test_a_changed_file_is_refused_with_both_checksums(corpus_folder, write_corpus):
    readme = (corpus_folder / "README.md").read_text()
    write_corpus({"stories.txt.xz": ["Something else."]})
    (corpus_folder / "README.md").write_text(readme)
    with pytest.raises(CorpusError, match=r"sha256 is [0-9a-f]{64}, the README says [0-9a-f]{64}"):
        read_corpus(corpus_folder)


def test_a_file_that_the_readme_does_not_list_is_refused(write_corpus):
    folder = write_corpus({"a.txt.xz": ["One."]})
    with pytest.raises(CorpusError, match=r"no checksum for b\.txt\.xz"):
        read_corpus(folder, ("b.txt.xz",))


def test_a_corpus_without_text_is_refused(write_corpus):
    with pytest.raises(CorpusError, match="no documents"):
        read_corpus(write_corpus({"a.txt.xz": [""]}), ("a.txt.xz",))
