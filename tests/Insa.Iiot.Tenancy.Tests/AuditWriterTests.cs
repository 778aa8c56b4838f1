using Insa.Iiot.Tenancy.Audit;
using Insa.Iiot.Tenancy.Records;

namespace Insa.Iiot.Tenancy.Tests;

public sealed class AuditWriterTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly AuditWorld _world = new();

    private static ControlScope Plant => AuditWorld.Plant;

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task Sequences_have_no_gaps_whoever_appends()
    {
        AuditLog[] hosts = [_world.MakeLog(), _world.MakeLog()];
        var appended = await Task.WhenAll(
            from host in hosts
            from appender in Enumerable.Range(0, 16)
            select Task.Run(async () =>
            {
                var own = new List<long>();
                for (var i = 0; i < 20; i++)
                    own.Add((await host.AppendAsync(Plant, AuditWorld.Happened(appender))).Sequence);
                return own;
            })
        );
        Assert.All(appended, own => Assert.Equal(own.Order(), own));
        Assert.Equal(Enumerable.Range(1, 640).Select(i => (long)i), appended.SelectMany(own => own).Order());
        var found = await _world.VerifyAsync(Plant);
        Assert.True(found.IsValid, found.Message);
        Assert.Equal(640, found.Size);
    }

    [Fact]
    public async Task Many_that_wait_are_written_in_few_commits()
    {
        var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var store = new CountingStore(_world.Store) { BeforeCommit = commit => commit == 1 ? first.Task : Task.CompletedTask };
        var log = _world.MakeLog(store, interval: 65_536);
        var all = Enumerable.Range(0, 500).Select(i => log.AppendAsync(Plant, AuditWorld.Happened(i)).AsTask()).ToArray();
        Assert.DoesNotContain(all, append => append.IsCompleted);
        first.SetResult();
        var entries = await Task.WhenAll(all).WaitAsync(Patience);
        Assert.Equal(Enumerable.Range(1, 500).Select(i => (long)i), entries.Select(entry => entry.Sequence));

        // The first alone, then four times up to 128.
        Assert.Equal(5, store.Commits);
    }

    [Fact]
    public async Task When_very_many_wait_the_next_one_waits_outside()
    {
        var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var store = new CountingStore(_world.Store) { BeforeCommit = commit => commit == 1 ? first.Task : Task.CompletedTask };
        var log = _world.MakeLog(store, interval: 65_536);
        var all = Enumerable.Range(0, 1200).Select(i => log.AppendAsync(Plant, AuditWorld.Happened(i)).AsTask()).ToArray();
        first.SetResult();
        var entries = await Task.WhenAll(all).WaitAsync(Patience);
        Assert.Equal(Enumerable.Range(1, 1200).Select(i => (long)i), entries.Select(entry => entry.Sequence).Order());
    }

    [Fact]
    public async Task Who_gives_up_waiting_is_not_logged_and_holds_nobody_up()
    {
        var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var store = new CountingStore(_world.Store) { BeforeCommit = commit => commit == 1 ? first.Task : Task.CompletedTask };
        var log = _world.MakeLog(store);
        using var impatience = new CancellationTokenSource();
        var leader = log.AppendAsync(Plant, AuditWorld.Happened(1), impatience.Token).AsTask();
        var impatient = log.AppendAsync(Plant, AuditWorld.Happened(2), impatience.Token).AsTask();
        var patient = log.AppendAsync(Plant, AuditWorld.Happened(3)).AsTask();
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient.WaitAsync(Patience));

        // What is being written already is waited for.
        Assert.False(leader.IsCompleted);
        first.SetResult();
        Assert.Equal(1, (await leader.WaitAsync(Patience)).Sequence);
        Assert.Equal(2, (await patient.WaitAsync(Patience)).Sequence);
        Assert.Equal(["user-1", "user-3"], (await _world.Log.ListAsync(Plant, 0, 10)).Select(entry => entry.Actor));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            await log.AppendAsync(Plant, AuditWorld.Happened(4), impatience.Token)
        );
    }

    [Fact]
    public async Task A_commit_whose_answer_is_lost_leaves_no_gap()
    {
        var store = new CountingStore(_world.Store)
        {
            AfterCommit = commit =>
            {
                if (commit == 2)
                    throw new TelemetryStoreException("The connection was lost.", isTransient: true);
            },
        };
        var log = _world.MakeLog(store);
        await log.AppendAsync(Plant, AuditWorld.Happened(1));
        await Assert.ThrowsAsync<TelemetryStoreException>(async () => await log.AppendAsync(Plant, AuditWorld.Happened(2)));
        Assert.Equal(3, (await log.AppendAsync(Plant, AuditWorld.Happened(3))).Sequence);
        Assert.True((await _world.VerifyAsync(Plant)).IsValid);
    }

    [Fact]
    public async Task A_failure_is_told_to_all_who_wrote_together_and_to_nobody_else()
    {
        var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var store = new CountingStore(_world.Store)
        {
            BeforeCommit = commit =>
                commit switch
                {
                    1 => first.Task,
                    2 => throw new TelemetryStoreException("The disk is full.", isTransient: true),
                    _ => Task.CompletedTask,
                },
        };
        var log = _world.MakeLog(store, interval: 65_536);
        var all = Enumerable.Range(0, 200).Select(i => log.AppendAsync(Plant, AuditWorld.Happened(i)).AsTask()).ToArray();
        first.SetResult();
        await Task.WhenAll(all.Select(append => append.ContinueWith(_ => { }, TaskScheduler.Default))).WaitAsync(Patience);
        Assert.Equal(128, all.Count(append => append.Exception?.InnerException is TelemetryStoreException));
        Assert.Equal(72, all.Count(append => append.IsCompletedSuccessfully));
        Assert.True((await _world.VerifyAsync(Plant)).IsValid);
    }

    [Fact]
    public async Task Who_writes_all_the_time_makes_a_gap_for_other_hosts()
    {
        var all = new List<Task<AuditEntry>>();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var store = new CountingStore(_world.Store)
        {
            BeforeCommit = async commit =>
            {
                if (commit == 1)
                    await begun.Task;
                _world.Time.Advance(TimeSpan.FromSeconds(1));
            },
            AfterCommit = _ => done.TrySetResult(),
        };
        var log = _world.MakeLog(store, interval: 65_536);
        for (var i = 0; i < 300; i++)
            all.Add(log.AppendAsync(Plant, AuditWorld.Happened(i)).AsTask());
        begun.SetResult();
        await done.Task.WaitAsync(Patience);
        Assert.Equal(2, (await _world.MakeLog().AppendAsync(Plant, AuditWorld.Happened(1))).Sequence);
        Assert.Equal(1, store.Commits);
        var rest = Task.WhenAll(all);
        using var deadline = new CancellationTokenSource(Patience);
        while (!rest.IsCompleted)
        {
            _world.Time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(1, deadline.Token);
        }

        Assert.Equal(301, (await rest)[^1].Sequence);
    }

    [Fact]
    public async Task A_head_that_does_not_fit_its_entries_is_told()
    {
        await _world.AppendAsync(Plant, 3);
        var head = (await _world.Store.ListAsync(Plant, RecordKinds.AuditHead, null, 1))[0];
        await _world.Store.CommitAsync([ControlChange.Replace(head, AuditJson.Write(AuditHeadRecord.Empty))]);
        await Assert.ThrowsAsync<TelemetryStoreException>(async () => await _world.MakeLog().AppendAsync(Plant, AuditWorld.Happened()));
    }

    [Fact]
    public async Task A_key_is_rotated_while_others_append()
    {
        var appending = Task.Run(async () =>
        {
            var log = _world.MakeLog(interval: 1);
            for (var i = 0; i < 60; i++)
                await log.AppendAsync(Plant, AuditWorld.Happened(i));
        });
        for (var i = 0; i < 5; i++)
            await _world.Log.RotateKeyAsync("ann");
        await appending.WaitAsync(Patience);
        var found = await _world.VerifyAsync(Plant);
        Assert.True(found.IsValid, found.Message);
    }
}
