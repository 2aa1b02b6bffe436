"""What scopes enable. (What a token must look like is tested with the workspaces.)"""

from tocsin.pipeline.credentials import capabilities


def test_chat_write_alone_lacks_every_capability_and_names_the_scopes() -> None:
    found = {each.name: each for each in capabilities(frozenset({"chat:write"}))}
    assert {name: each.missing_scopes for name, each in found.items()} == {
        "ChannelChecks": ("channels:read", "groups:read"),
        "PostWithoutInvitation": ("chat:write.public",),
        "Identity": ("chat:write.customize",),
        "LookUpAmbiguousSends": ("channels:history", "groups:history"),
        "DirectMessages": ("im:write",),
        "PeopleByEmail": ("users:read.email",),
    }
    assert not any(each.available for each in found.values())


def test_a_capability_needs_all_of_its_scopes() -> None:
    found = {each.name: each for each in capabilities(frozenset({"channels:read", "im:write"}))}
    assert not found["ChannelChecks"].available
    assert found["ChannelChecks"].missing_scopes == ("groups:read",)
    assert found["DirectMessages"].available
    assert found["DirectMessages"].missing_scopes == ()
