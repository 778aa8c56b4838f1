using System.Security.Cryptography;
using System.Text;
using CsCheck;
using Insa.Iiot.Tenancy.Audit;

namespace Insa.Iiot.Tenancy.Tests;

/// <summary>Attacks on an export of 20 entries with checkpoints at 8, 16 and 20. The fifth entry's actor is erased.</summary>
public sealed class AuditVerifierTests : IAsyncLifetime
{
    private readonly AuditWorld _world = new();
    private List<string> _lines = [];
    private string[] _keys = [];
    private AuditCheckpoint _kept = null!;

    private static ControlScope Plant => AuditWorld.Plant;

    public async ValueTask InitializeAsync()
    {
        await _world.AppendAsync(Plant, 10);
        _kept = await _world.Log.CheckpointAsync(Plant);
        await _world.Log.RedactAsync(Plant, 5, AuditFields.Actor, "officer");
        await _world.AppendAsync(Plant, 9);
        await _world.AppendAsync(AuditWorld.Other, 20);
        _lines = await _world.ExportAsync(Plant);
        _keys = await _world.KeysAsync();
    }

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task An_export_as_it_was_written_is_right()
    {
        Assert.Equal(20 + 4 + 1, _lines.Count);
        var found = await AuditWorld.VerifyAsync(_lines, Plant, _keys, _kept);
        Assert.Equal(new AuditVerification(AuditProblem.None, null, found.Message, 20, 1), found);
        Assert.True((await AuditWorld.VerifyAsync(_lines, Plant, [], _kept)).IsValid);
        await Assert.ThrowsAsync<ArgumentException>(() => AuditWorld.VerifyAsync(_lines, Plant, []));
    }

    [Theory]
    [InlineData("device.create", "device.delete")]
    [InlineData("press-6", "press-7")]
    [InlineData("user-6", "user-7")]
    [InlineData("192.0.2.7", "192.0.2.8")]
    [InlineData("starter", "enterprise")]
    [InlineData("T08:00:07", "T09:00:07")]
    public async Task A_changed_field_is_found(string from, string to)
    {
        _lines[6] = Replace(_lines[6], from, to);
        await FindsAsync(AuditProblem.Entry, 7);
    }

    [Fact]
    public async Task A_refusal_that_is_hidden_is_found()
    {
        _lines[9] = Replace(_lines[9], ",\"refusal\":\"quota-exceeded\"", "");
        await FindsAsync(AuditProblem.Entry, 10);
    }

    [Fact]
    public async Task A_changed_field_with_its_leaf_made_again_is_found()
    {
        Alter(12, entry => entry with { Action = "device.delete" });
        await FindsAsync(AuditProblem.Root, 11);
    }

    [Fact]
    public async Task A_changed_time_with_its_leaf_made_again_is_found()
    {
        Alter(1, entry => entry with { Time = entry.Time.AddTicks(1) });
        await FindsAsync(AuditProblem.Root, 1);
    }

    [Fact]
    public async Task A_deleted_entry_is_found()
    {
        _lines.RemoveAt(6);
        await FindsAsync(AuditProblem.Sequence, 7);
    }

    [Fact]
    public async Task A_deleted_entry_with_all_numbers_made_again_is_found()
    {
        _lines.RemoveAt(6);
        for (var i = 7; i <= 19; i++)
            Alter(i, entry => entry);
        await FindsAsync(AuditProblem.Truncated, 20);
    }

    [Fact]
    public async Task An_entry_that_was_put_in_is_found()
    {
        _lines.Insert(6, _lines[6]);
        for (var i = 7; i <= 21; i++)
            Alter(i, entry => entry);
        await FindsAsync(AuditProblem.Truncated, 21);
    }

    [Fact]
    public async Task Deleted_entries_at_the_end_are_found()
    {
        _lines.RemoveRange(18, 2);
        await FindsAsync(AuditProblem.Truncated, 19);
    }

    [Fact]
    public async Task Deleted_checkpoints_are_found()
    {
        _lines.RemoveRange(22, 2);
        await FindsAsync(AuditProblem.Truncated, 11);
        _lines.RemoveRange(20, 2);
        await FindsAsync(AuditProblem.Truncated, 1);
    }

    [Fact]
    public async Task Reordered_entries_are_found()
    {
        (_lines[3], _lines[4]) = (_lines[4], _lines[3]);
        await FindsAsync(AuditProblem.Sequence, 4);
    }

    [Fact]
    public async Task Reordered_entries_with_all_numbers_made_again_are_found()
    {
        (_lines[3], _lines[5]) = (_lines[5], _lines[3]);
        Alter(4, entry => entry);
        Alter(6, entry => entry);
        await FindsAsync(AuditProblem.Root, 1);
    }

    [Fact]
    public async Task A_doubled_entry_is_found()
    {
        _lines.Insert(3, _lines[3]);
        await FindsAsync(AuditProblem.Sequence, 5);
    }

    [Fact]
    public async Task A_fork_after_a_kept_checkpoint_is_found_even_if_the_key_was_used()
    {
        await using var fork = new AuditWorld();
        await CopyKeysAsync(fork);
        await fork.AppendAsync(Plant, 20);
        var forged = await fork.ExportAsync(Plant);
        Assert.True((await AuditWorld.VerifyAsync(forged, Plant, _keys)).IsValid);
        var found = await AuditWorld.VerifyAsync(forged, Plant, _keys, _kept);
        Assert.Equal((AuditProblem.Kept, 1L), (found.Problem, found.Sequence));
    }

    [Fact]
    public async Task An_older_export_is_found_by_a_newer_kept_checkpoint()
    {
        await _world.AppendAsync(Plant, 2);
        var newer = await _world.Log.CheckpointAsync(Plant);
        Assert.True((await AuditWorld.VerifyAsync(_lines, Plant, _keys)).IsValid);
        var found = await AuditWorld.VerifyAsync(_lines, Plant, _keys, newer);
        Assert.Equal((AuditProblem.Kept, 21L), (found.Problem, found.Sequence));
    }

    [Fact]
    public async Task An_entry_of_another_tenants_log_is_found()
    {
        _lines[2] = (await _world.ExportAsync(AuditWorld.Other))[2];
        await FindsAsync(AuditProblem.Entry, 3);
    }

    [Fact]
    public async Task Another_tenants_export_is_found()
    {
        _lines = await _world.ExportAsync(AuditWorld.Other);
        await FindsAsync(AuditProblem.Entry, 1);
        _lines.RemoveRange(0, 20);
        await FindsAsync(AuditProblem.Checkpoint, null);
    }

    [Fact]
    public async Task A_checkpoint_of_another_log_is_found()
    {
        var others = await _world.ExportAsync(AuditWorld.Other);
        _lines[23] = others[^2];
        await FindsAsync(AuditProblem.Checkpoint, null);
    }

    [Fact]
    public async Task A_kept_checkpoint_of_another_log_is_not_taken()
    {
        var other = await _world.Log.CheckpointAsync(AuditWorld.Other);
        var found = await AuditWorld.VerifyAsync(_lines, Plant, _keys, other);
        Assert.Equal(AuditProblem.Kept, found.Problem);
    }

    [Fact]
    public async Task A_checkpoint_forged_with_another_key_is_found()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Alter(12, entry => entry with { Action = "device.delete" });
        var time = _kept.Time;
        var strange = AuditKeyStatement.Make(key, time, previousId: null, previous: null);
        SignAll(strange.Id, key);

        // Signed by a key that is not there, then by one that nobody vouches for.
        await FindsAsync(AuditProblem.Checkpoint, null);
        _lines[^1] = LineOf(new AuditExportLine(Key: strange));
        await FindsAsync(AuditProblem.Key, null);

        // By one that says that the trusted one vouches for it, and by one with the trusted one's id.
        var claiming = AuditKeyStatement.Make(key, time, _keys[0], key);
        var original = (await _world.ExportAsync(Plant))[^1];
        _lines[^1] = original;
        _lines.Add(LineOf(new AuditExportLine(Key: claiming)));
        await FindsAsync(AuditProblem.Key, null);
        _lines[^1] = LineOf(new AuditExportLine(Key: strange with { Id = _keys[0] }));
        await FindsAsync(AuditProblem.Key, null);
        SignAll(_keys[0], key);
        _lines.RemoveAt(_lines.Count - 1);
        await FindsAsync(AuditProblem.Checkpoint, null);
    }

    [Theory]
    [InlineData("size 16", "size 15")]
    [InlineData("time 2026-05", "time 2026-06")]
    [InlineData("origin tenant/plant", "origin tenant/planu")]
    [InlineData("root ", "root  ")]
    public async Task A_changed_checkpoint_is_found(string from, string to)
    {
        var at = _lines.FindIndex(line => line.Contains("size 16", StringComparison.Ordinal));
        _lines[at] = Replace(_lines[at], from, to);
        await FindsAsync(from == "root " ? AuditProblem.Malformed : AuditProblem.Checkpoint, null);
    }

    [Fact]
    public async Task Reordered_or_doubled_checkpoints_are_found()
    {
        (_lines[20], _lines[21]) = (_lines[21], _lines[20]);
        await FindsAsync(AuditProblem.Checkpoint, null);
        _lines[20] = _lines[21];
        await FindsAsync(AuditProblem.Checkpoint, null);
    }

    [Fact]
    public async Task A_changed_salt_is_found()
    {
        var entry = EntryOf(3);
        _lines[2] = LineOf(new AuditExportLine(entry with { Target = entry.Target with { Salt = new byte[16] } }));
        await FindsAsync(AuditProblem.Entry, 3);
        Alter(3, changed => changed);
        await FindsAsync(AuditProblem.Root, 1);
    }

    [Fact]
    public async Task An_erased_field_that_was_given_another_value_is_found()
    {
        var entry = EntryOf(5);
        Assert.True(entry.Actor.IsRedacted);
        _lines[4] = LineOf(new AuditExportLine(entry with { Actor = AuditTextRecord.Of("eve") }));
        await FindsAsync(AuditProblem.Entry, 5);
        _lines[4] = LineOf(new AuditExportLine(entry with { Actor = entry.Actor with { Value = "eve" } }));
        await FindsAsync(AuditProblem.Malformed, 5);
        _lines[4] = LineOf(new AuditExportLine(entry with { Actor = entry.Actor with { Hash = new byte[32] } }));
        await FindsAsync(AuditProblem.Entry, 5);
    }

    [Fact]
    public async Task Fields_that_changed_places_are_found()
    {
        var entry = EntryOf(3);
        _lines[2] = LineOf(new AuditExportLine(entry with { Actor = entry.Target, Target = entry.Actor }));
        await FindsAsync(AuditProblem.Entry, 3);
    }

    [Theory]
    [InlineData("{\"entry\":", "{\"note\":1,\"entry\":")]
    [InlineData("{\"entry\":", "{ \"entry\":")]
    [InlineData("\"action\":", "\"action\":\"device.delete\",\"action\":")]
    [InlineData("\"details\":{", "\"details\":{\"values\":[null],")]
    [InlineData("device.create", "device.\\u0063reate")]
    [InlineData("Z\",\"action", "+00:00\",\"action")]
    public async Task A_line_that_is_written_otherwise_is_found(string from, string to)
    {
        _lines[2] = Replace(_lines[2], from, to);
        await FindsAsync(AuditProblem.Malformed, 3);
    }

    [Fact]
    public async Task Lines_without_end_or_of_another_section_are_found()
    {
        var whole = Encoding.UTF8.GetBytes(string.Join('\n', _lines));
        Assert.Equal(AuditProblem.Malformed, (await AuditVerifier.VerifyAsync(new MemoryStream(whole), Plant, _keys)).Problem);
        Assert.Equal(AuditProblem.Malformed, (await AuditVerifier.VerifyAsync(new MemoryStream(new byte[1 << 20]), Plant, _keys)).Problem);
        Assert.Equal(AuditProblem.Truncated, (await AuditVerifier.VerifyAsync(new MemoryStream([]), Plant, _keys)).Problem);
        _lines.Insert(21, _lines[19]);
        await FindsAsync(AuditProblem.Malformed, null);
    }

    [Fact]
    public async Task No_bytes_are_taken_for_right_or_throw()
    {
        var whole = Encoding.UTF8.GetBytes(string.Concat(_lines.Select(line => line + "\n")));
        await Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte)
            .SampleAsync(
                async (at, value) =>
                {
                    var bytes = whole.ToArray();
                    if (bytes[at] == value)
                        return;
                    bytes[at] = value;
                    var found = await AuditVerifier.VerifyAsync(new MemoryStream(bytes), Plant, _keys, _kept);
                    Assert.False(found.IsValid, $"byte {at} is {value}");
                },
                iter: 600
            );
    }

    [Fact]
    public async Task Long_exports_are_read_in_pieces()
    {
        var log = _world.MakeLog(interval: 256);
        await Task.WhenAll(
            Enumerable.Range(0, 1500).Select(i => Task.Run(async () => await log.AppendAsync(AuditWorld.Other, AuditWorld.Happened(i))))
        );
        var found = await _world.VerifyAsync(AuditWorld.Other);
        Assert.True(found.IsValid, found.Message);
        Assert.Equal(1520, found.Size);
    }

    private async Task FindsAsync(AuditProblem problem, long? sequence)
    {
        var found = await AuditWorld.VerifyAsync(_lines, Plant, _keys);
        Assert.Equal((problem, sequence), (found.Problem, found.Sequence));
        Assert.False(found.IsValid);
    }

    private static string Replace(string line, string from, string to)
    {
        Assert.Contains(from, line, StringComparison.Ordinal);
        return line.Replace(from, to, StringComparison.Ordinal);
    }

    private AuditRecord EntryOf(int sequence) => AuditJson.TryReadLine(Encoding.UTF8.GetBytes(_lines[sequence - 1]))!.Entry!;

    /// <summary>Changes an entry as one who knows how leaves are made.</summary>
    private void Alter(int place, Func<AuditRecord, AuditRecord> change) =>
        _lines[place - 1] = LineOf(new AuditExportLine(change(EntryOf(place)).At("tenant/plant", place)));

    /// <summary>Signs all checkpoints again, for the entries as they are.</summary>
    private void SignAll(string keyId, ECDsa key)
    {
        for (var i = 20; i < 24; i++)
        {
            Assert.True(AuditCheckpoint.TryParse(AuditJson.TryReadLine(Encoding.UTF8.GetBytes(_lines[i]))!.Checkpoint, out var checkpoint));
            var tree = new MerkleFrontier();
            for (var sequence = 1; sequence <= checkpoint.Size; sequence++)
                tree.Append(EntryOf(sequence).Leaf);
            var forged = AuditCheckpoint.Sign("tenant/plant", tree.Size, tree.GetRoot(), checkpoint.Time, keyId, key);
            _lines[i] = LineOf(new AuditExportLine(Checkpoint: forged.ToString()));
        }
    }

    private async Task CopyKeysAsync(AuditWorld other)
    {
        foreach (var key in await _world.Store.ListAsync(ControlScope.Platform, "audit-key", null, 10))
            await other.Store.CommitAsync([ControlChange.Insert(key.Scope, key.Kind, key.Id, key.Body)]);
    }

    private static string LineOf(AuditExportLine line) => Encoding.UTF8.GetString(AuditJson.Write(line));
}
