"""Readings: what is stamped on every signal's labels."""

from tocsin.model.reading import ReadingContext


def test_labels_lose_their_replica_and_get_the_cluster() -> None:
    labels = {"alertname": "x", "replica": "a"}
    ReadingContext("eu", frozenset({"replica", "other"}), 300).stamp(labels)
    assert labels == {"alertname": "x", "cluster": "eu"}


def test_labels_keep_the_cluster_that_they_name() -> None:
    labels = {"cluster": "us"}
    ReadingContext("eu", frozenset(), 300).stamp(labels)
    assert labels == {"cluster": "us"}


def test_a_cluster_without_a_name_stamps_nothing() -> None:
    labels: dict[str, str] = {}
    ReadingContext("", frozenset(), 300).stamp(labels)
    assert labels == {}
