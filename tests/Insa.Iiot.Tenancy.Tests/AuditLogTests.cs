using System.Security.Cryptography;
using System.Text;
using Insa.Iiot.Tenancy.Audit;
using Insa.Iiot.Tenancy.Records;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Tenancy.Tests;

public sealed class AuditLogTests : IAsyncDisposable
{
    private readonly AuditWorld _world = new();

    private static ControlScope Plant => AuditWorld.Plant;

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task An_entry_is_listed_as_it_happened()
    {
        var entry = await _world.Log.AppendAsync(Plant, AuditWorld.Happened(1, "quota-exceeded"));
        var listed = Assert.Single(await _world.Log.ListAsync(Plant, 0, 10));
        Assert.Equivalent(entry, listed);
        Assert.Equal(1, listed.Sequence);
        Assert.Equal(_world.Time.GetUtcNow().UtcDateTime, listed.Time);
        Assert.Equal(DateTimeKind.Utc, listed.Time.Kind);
        Assert.Equal(
            ("user-1", "device.create", "press-1", "quota-exceeded", "192.0.2.7"),
            (listed.Actor, listed.Action, listed.Target, listed.Refusal, listed.SourceAddress)
        );
        Assert.Equal(new Dictionary<string, string> { ["number"] = "1", ["plan"] = "starter" }, listed.Details);
        Assert.Equal(AuditFields.None, listed.Redacted);
    }

    [Fact]
    public async Task Logs_know_nothing_of_each_other()
    {
        await _world.AppendAsync(Plant, 3);
        await _world.AppendAsync(ControlScope.Platform, 2);
        Assert.Empty(await _world.Log.ListAsync(AuditWorld.Other, 0, 10));
        Assert.Equal(2, (await _world.Log.ListAsync(ControlScope.Platform, 0, 10)).Count);
        Assert.Equal(1, (await _world.Log.AppendAsync(AuditWorld.Other, AuditWorld.Happened())).Sequence);
        Assert.True((await _world.VerifyAsync(ControlScope.Platform)).IsValid);
    }

    [Fact]
    public async Task Entries_are_listed_page_by_page_by_number()
    {
        await _world.AppendAsync(Plant, 25);
        var listed = new List<long>();
        for (var after = 0L; await _world.Log.ListAsync(Plant, after, 10) is { Count: > 0 } page; after = listed[^1])
            listed.AddRange(page.Select(entry => entry.Sequence));
        Assert.Equal(Enumerable.Range(1, 25).Select(i => (long)i), listed);
    }

    [Fact]
    public async Task What_a_stranger_sends_is_cut_and_cleaned_but_logged()
    {
        var happened = AuditWorld.Happened() with
        {
            Actor = "a\0b\ud800c",
            Target = new string('x', 499) + "\U0001F600" + "y",
            Details = new Dictionary<string, string> { ["agent"] = new string('\0', 9000) },
        };
        await _world.Log.AppendAsync(Plant, happened);
        var entry = Assert.Single(await _world.Log.ListAsync(Plant, 0, 10));
        Assert.Equal("a\ufffdb\ufffdc", entry.Actor);
        Assert.Equal(new string('x', 499) + "…", entry.Target);
        Assert.Equal(new string('\ufffd', 499) + "…", entry.Details["agent"]);
        Assert.True((await _world.VerifyAsync(Plant)).IsValid);
    }

    [Theory]
    [InlineData("device")]
    [InlineData("device.")]
    [InlineData("device.create.now")]
    [InlineData("Device.create")]
    [InlineData("device.create now")]
    public async Task An_action_is_a_resource_and_a_verb(string action) =>
        await Assert.ThrowsAsync<ArgumentException>(async () =>
            await _world.Log.AppendAsync(Plant, AuditWorld.Happened() with { Action = action })
        );

    [Fact]
    public async Task Details_are_few_and_have_names()
    {
        var many = Enumerable.Range(0, 17).ToDictionary(i => $"n{i}", _ => "");
        foreach (
            var details in new[]
            {
                many,
                new() { [""] = "" },
                new() { ["a b"] = "" },
                new() { [new string('n', 65)] = "" },
            }
        )
            await Assert.ThrowsAsync<ArgumentException>(async () =>
                await _world.Log.AppendAsync(Plant, AuditWorld.Happened() with { Details = details })
            );
        Assert.Empty(await _world.Log.ListAsync(Plant, 0, 10));
    }

    [Fact]
    public void The_options_are_checked()
    {
        Assert.Equal(8, _world.Get<IOptions<AuditOptions>>().Value.CheckpointInterval);
        var result = new AuditOptionsValidator().Validate(null, new AuditOptions { CheckpointInterval = 0 });
        Assert.Contains("1 to 65536, not 0", result.FailureMessage);
    }

    [Fact]
    public async Task A_checkpoint_is_signed_at_every_interval_and_on_request()
    {
        await _world.AppendAsync(Plant, 20);
        var asked = await _world.Log.CheckpointAsync(Plant);
        var again = await _world.MakeLog().CheckpointAsync(Plant);
        var stored = await _world.Store.ListAsync(Plant, RecordKinds.AuditCheckpoint, null, 10);
        Assert.Equal([AuditStore.IdOf(8), AuditStore.IdOf(16), AuditStore.IdOf(20)], stored.Select(record => record.Id));
        Assert.Equal(asked.ToString(), again.ToString());
        Assert.Equal(("tenant/plant", 20), (asked.Origin, asked.Size));
        Assert.True(asked.IsSignedBy(Assert.Single(await _world.Log.ReadKeysAsync())));
        Assert.True(AuditCheckpoint.TryParse(asked.ToString(), out var read));
        Assert.Equal(asked.ToString(), read.ToString());
    }

    [Fact]
    public async Task A_checkpoint_that_is_asked_for_has_what_another_host_wrote()
    {
        await _world.Log.AppendAsync(Plant, AuditWorld.Happened());
        await _world.Log.CheckpointAsync(Plant);
        await _world.MakeLog().AppendAsync(Plant, AuditWorld.Happened());
        Assert.Equal(2, (await _world.Log.CheckpointAsync(Plant)).Size);
    }

    [Fact]
    public async Task An_empty_log_has_a_checkpoint_too()
    {
        var checkpoint = await _world.Log.CheckpointAsync(Plant);
        Assert.Equal(0, checkpoint.Size);
        Assert.Equal(MerkleHash.OfNothing(), checkpoint.RootHash.ToArray());
        var exported = await _world.VerifyAsync(Plant);
        Assert.True(exported.IsValid, exported.Message);
        await _world.AppendAsync(Plant, 9);
        Assert.True((await _world.VerifyAsync(Plant)).IsValid);
        var proof = await _world.Log.ProveConsistencyAsync(Plant, 0, 9);
        Assert.True(AuditVerifier.IsConsistent(proof!, checkpoint, await _world.Log.CheckpointAsync(Plant)));
    }

    [Fact]
    public async Task Hosts_that_begin_at_once_make_one_key()
    {
        var keys = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () => await _world.MakeLog().ReadKeysAsync())));
        Assert.Single(keys.SelectMany(all => all).Select(key => key.Id).Distinct());
    }

    [Fact]
    public async Task A_key_that_was_rotated_out_signs_no_more_and_still_verifies()
    {
        await _world.AppendAsync(Plant, 8);
        var first = Assert.Single(await _world.KeysAsync());
        var second = await _world.Log.RotateKeyAsync("ann");
        var third = await _world.Log.RotateKeyAsync("ann");
        await _world.AppendAsync(Plant, 8);
        Assert.Equal([first, second.Id, third.Id], await _world.KeysAsync());
        Assert.StartsWith("-----BEGIN PUBLIC KEY-----", third.ToPem(), StringComparison.Ordinal);
        Assert.Equal(third.Id, (await _world.Log.CheckpointAsync(Plant)).KeyId);
        Assert.Equal(
            ["audit-key.rotate", "audit-key.rotate"],
            (await _world.Log.ListAsync(ControlScope.Platform, 0, 10)).Select(entry => entry.Action)
        );

        // Whichever of them somebody trusts.
        var lines = await _world.ExportAsync(Plant);
        foreach (var id in await _world.KeysAsync())
            Assert.True((await AuditWorld.VerifyAsync(lines, Plant, [id])).IsValid);

        var records = await _world.Store.ListAsync(ControlScope.Platform, RecordKinds.AuditKey, null, 10);
        Assert.Equal([false, false, true], records.Select(record => AuditJson.Read<AuditKeyRecord>(record).PrivateKey is not null));
        Assert.DoesNotContain(lines, line => line.Contains("privateKey", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task An_erased_field_is_gone_and_the_tree_stays()
    {
        await _world.AppendAsync(Plant, 12);
        var kept = await _world.Log.CheckpointAsync(Plant);
        var left = await _world.Log.RedactAsync(Plant, 3, AuditFields.Actor | AuditFields.Details, "privacy-officer");
        Assert.Equal((null, "press-2", AuditFields.Actor | AuditFields.Details), (left!.Actor, left.Target, left.Redacted));
        Assert.Empty(left.Details);

        var record = await _world.Store.FindAsync(Plant, RecordKinds.Audit, AuditStore.IdOf(3));
        Assert.DoesNotContain("user-2", Encoding.UTF8.GetString(record!.Body.Span), StringComparison.Ordinal);
        var entry = AuditJson.Read<AuditRecord>(record);
        Assert.Equal((null, null, true), (entry.Actor.Salt, entry.Details.Salt, entry.Target.Salt is not null));

        await _world.Log.RedactAsync(Plant, 3, AuditFields.All, "privacy-officer");
        var found = await AuditWorld.VerifyAsync(await _world.ExportAsync(Plant), Plant, [], kept);
        Assert.True(found.IsValid, found.Message);
        Assert.Equal((14, 1), (found.Size, found.Redacted));
        var logged = (await _world.Log.ListAsync(Plant, 12, 1))[0];
        Assert.Equal(("audit.redact", "privacy-officer", "Actor, Details"), (logged.Action, logged.Actor, logged.Details["fields"]));
    }

    [Fact]
    public async Task What_is_not_there_is_not_erased()
    {
        Assert.Null(await _world.Log.RedactAsync(Plant, 1, AuditFields.Actor, "ann"));
        Assert.Null(await _world.Log.RedactAsync(Plant, -1, AuditFields.Actor, "ann"));
        Assert.Empty(await _world.Log.ListAsync(Plant, 0, 10));
    }

    [Fact]
    public async Task Equal_values_do_not_look_equal_once_they_are_erased()
    {
        for (var i = 0; i < 2; i++)
            await _world.Log.AppendAsync(Plant, AuditWorld.Happened());
        for (var i = 1; i <= 2; i++)
            await _world.Log.RedactAsync(Plant, i, AuditFields.All, "ann");
        var records = await _world.Store.ListAsync(Plant, RecordKinds.Audit, null, 2);
        var (first, second) = (AuditJson.Read<AuditRecord>(records[0]), AuditJson.Read<AuditRecord>(records[1]));
        Assert.NotEqual(first.Actor.Hash, second.Actor.Hash);
        Assert.NotEqual(first.Details.Hash, second.Details.Hash);
    }

    [Fact]
    public async Task Proofs_verify_against_checkpoints_and_no_others()
    {
        // Past 256 entries, where proofs begin to use subtrees that are kept.
        var log = _world.MakeLog();
        var sizes = new[] { 1, 7, 255, 256, 257, 530 };
        var checkpoints = new List<AuditCheckpoint>();
        var size = 0;
        foreach (var next in sizes)
        {
            await Task.WhenAll(
                Enumerable.Range(size, next - size).Select(i => Task.Run(async () => await log.AppendAsync(Plant, AuditWorld.Happened(i))))
            );
            size = next;
            checkpoints.Add(await log.CheckpointAsync(Plant));
        }

        Assert.Equal(2, (await _world.Store.ListAsync(Plant, $"{RecordKinds.AuditNode}-8", null, 10)).Count);
        foreach (var checkpoint in checkpoints)
        {
            foreach (var sequence in new long[] { 1, 5, 256, 257, 512, 513, 530 }.Where(s => s <= checkpoint.Size))
            {
                var proof = await log.ProveInclusionAsync(Plant, sequence, checkpoint.Size);
                Assert.True(AuditVerifier.IsIncluded(proof!, checkpoint));
                var altered = proof! with { Entry = proof.Entry.Replace("device.create", "device.delete", StringComparison.Ordinal) };
                Assert.False(AuditVerifier.IsIncluded(altered, checkpoint));
                Assert.All(checkpoints.Where(other => other != checkpoint), other => Assert.False(AuditVerifier.IsIncluded(proof, other)));
            }

            foreach (var older in checkpoints.Where(older => older.Size <= checkpoint.Size))
            {
                var proof = await log.ProveConsistencyAsync(Plant, older.Size, checkpoint.Size);
                Assert.True(AuditVerifier.IsConsistent(proof!, older, checkpoint));
                Assert.Equal(older.Size == checkpoint.Size, AuditVerifier.IsConsistent(proof!, checkpoint, older));
            }
        }

        Assert.Null(await log.ProveInclusionAsync(Plant, 1, 531));
        Assert.Null(await log.ProveConsistencyAsync(Plant, 1, 531));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await log.ProveInclusionAsync(Plant, 3, 2));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await log.ProveConsistencyAsync(Plant, 3, 2));
        Assert.True((await _world.VerifyAsync(Plant)).IsValid);
    }

    [Fact]
    public async Task A_checkpoint_can_be_checked_by_other_programs()
    {
        // As openssl does: the statement's lines, the signature in DER, the key in PEM.
        var checkpoint = await _world.Log.CheckpointAsync(Plant);
        var key = Assert.Single(await _world.Log.ReadKeysAsync());
        var (text, label) = (checkpoint.ToString(), "signature ");
        var at = text.IndexOf(label, StringComparison.Ordinal);
        using var ecdsa = ECDsa.Create();
        ecdsa.ImportFromPem(key.ToPem());
        var statement = Encoding.ASCII.GetBytes(text[..at]);
        var signature = Convert.FromBase64String(text[(at + label.Length)..].TrimEnd('\n'));
        Assert.True(ecdsa.VerifyData(statement, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
    }
}
