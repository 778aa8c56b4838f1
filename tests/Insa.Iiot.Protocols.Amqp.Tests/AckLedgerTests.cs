using System.Diagnostics.Metrics;
using Insa.Iiot.Protocols.Amqp.Diagnostics;
using Insa.Iiot.Protocols.Amqp.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Protocols.Amqp.Tests;

public sealed class AckLedgerTests : ISettlement, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _settled = [];
    private readonly TaskCompletionSource _isSettled = new();
    private bool _fails;

    public void Dispose() => _services.Dispose();

    [Fact]
    public async Task What_is_committed_is_acknowledged_by_its_last_tag()
    {
        var ledger = Ledger(8);
        var commit = new TaskCompletionSource<CommitResult>();
        for (var tag = 1ul; tag <= 5; tag++)
            ledger.Add(Accepted(tag, commit.Task));
        Assert.Empty(_settled);
        commit.SetResult(CommitResult.Committed);
        await ledger.WhenEmptyAsync().WaitAsync(Patience);
        Assert.Equal(["ack 5"], _settled);
    }

    [Fact]
    public async Task A_commit_that_is_first_waits_for_those_before_it()
    {
        var ledger = Ledger(8);
        var (first, second) = (new TaskCompletionSource<CommitResult>(), new TaskCompletionSource<CommitResult>());
        ledger.Add(Accepted(1, first.Task));
        ledger.Add(Accepted(2, second.Task));
        second.SetResult(CommitResult.Committed);
        Assert.False(ledger.WhenEmptyAsync().IsCompleted);
        Assert.Empty(_settled);
        first.SetResult(CommitResult.Committed);
        await ledger.WhenEmptyAsync().WaitAsync(Patience);
        Assert.Equal("ack 2", _settled[^1]);
    }

    [Fact]
    public async Task A_refused_message_is_rejected_alone_and_in_its_place()
    {
        var ledger = Ledger(8);
        var commit = new TaskCompletionSource<CommitResult>();
        ledger.Add(Accepted(1, commit.Task));
        ledger.Add(new Delivery(2, default, IsRefused: true));
        ledger.Add(Accepted(3, commit.Task));
        ledger.Add(new Delivery(4, IngestReceipt.Rejected(IngestReason.Malformed), IsRefused: false));
        Assert.Empty(_settled);
        commit.SetResult(CommitResult.Committed);
        await ledger.WhenEmptyAsync().WaitAsync(Patience);
        Assert.Equal(["ack 1", "reject 2", "ack 3", "reject 4"], _settled);
    }

    [Fact]
    public async Task What_the_store_refuses_is_rejected()
    {
        var ledger = Ledger(8);
        ledger.Add(Accepted(1, Task.FromResult(CommitResult.Partial([IngestReason.Unstorable, IngestReason.None], isKept: true))));
        ledger.Add(
            new Delivery(
                2,
                IngestReceipt.Accepted(
                    Task.FromResult(CommitResult.Partial([IngestReason.Unstorable, IngestReason.None], isKept: true)),
                    1,
                    1
                ),
                IsRefused: false
            )
        );
        await ledger.WhenEmptyAsync().WaitAsync(Patience);
        Assert.Equal(["reject 1", "ack 2"], _settled);
    }

    [Fact]
    public async Task What_a_stopping_host_has_not_stored_keeps_all_behind_it_from_being_acknowledged()
    {
        var ledger = Ledger(8);
        ledger.Add(Accepted(1, Task.FromResult(CommitResult.Committed)));
        ledger.Add(Accepted(2, Task.FromResult(CommitResult.Failed(IngestReason.Stopping, isKept: false))));
        ledger.Add(Accepted(3, Task.FromResult(CommitResult.Committed)));
        await ledger.WhenEmptyAsync().WaitAsync(Patience);
        Assert.Equal(["ack 1"], _settled);
    }

    [Fact]
    public async Task After_a_settlement_that_fails_nothing_more_is_settled()
    {
        _fails = true;
        var ledger = Ledger(8);
        ledger.Add(Accepted(1, Task.FromResult(CommitResult.Committed)));
        await ledger.WhenEmptyAsync().WaitAsync(Patience);
        _fails = false;
        ledger.Add(Accepted(2, Task.FromResult(CommitResult.Committed)));
        await ledger.WhenEmptyAsync().WaitAsync(Patience);
        Assert.Empty(_settled);
    }

    [Fact]
    public void More_than_the_prefetch_cannot_be_on_its_way()
    {
        var ledger = Ledger(2);
        var never = new TaskCompletionSource<CommitResult>().Task;
        ledger.Add(Accepted(1, never));
        ledger.Add(Accepted(2, never));
        Assert.Throws<InvalidOperationException>(() => ledger.Add(Accepted(3, never)));
    }

    [Fact]
    public async Task Many_small_commits_are_acknowledged_together()
    {
        const int Prefetch = 1024;
        var ledger = Ledger(Prefetch);
        var commits = Enumerable.Range(0, Prefetch).Select(_ => new TaskCompletionSource<CommitResult>()).ToList();
        for (var i = 0; i < Prefetch; i++)
            ledger.Add(Accepted((ulong)i + 1, commits[i].Task));
        commits.ForEach(commit => commit.SetResult(CommitResult.Committed));
        await ledger.WhenEmptyAsync().WaitAsync(Patience);
        Assert.Equal($"ack {Prefetch}", _settled[^1]);
        Assert.InRange(_settled.Count, 1, Prefetch / 128);
    }

    [Fact]
    public async Task What_is_among_the_tenants_dead_letters_is_acknowledged_where_that_is_enough()
    {
        var ledger = Ledger(8, isContentWithDeadLetters: true);
        var kept = Task.FromResult(CommitResult.Committed);
        ledger.Add(Accepted(1, Task.FromResult(CommitResult.Partial([IngestReason.Unstorable], isKept: true))));
        ledger.Add(new Delivery(2, IngestReceipt.Rejected(IngestReason.Malformed, kept), IsRefused: false));
        ledger.Add(Accepted(3, Task.FromResult(CommitResult.Partial([IngestReason.Unstorable], isKept: false))));
        ledger.Add(new Delivery(4, IngestReceipt.Rejected(IngestReason.Malformed), IsRefused: false));
        ledger.Add(new Delivery(5, default, IsRefused: true));
        await ledger.WhenEmptyAsync().WaitAsync(Patience);
        Assert.Equal(["ack 2", "reject 3", "reject 4", "reject 5"], _settled.TakeLast(4));
        Assert.DoesNotContain("ack 3", _settled);
    }

    [Fact]
    public async Task Who_waits_is_told_what_has_become_of_a_message_and_not_before()
    {
        var ledger = Ledger(8);
        var commit = new TaskCompletionSource<CommitResult>();
        var receipt = IngestReceipt.Accepted(commit.Task, 0, 1);
        ledger.Add(new Delivery(1, receipt, IsRefused: false, new ReplyAddress("q", "a")));
        ledger.Add(new Delivery(2, IngestReceipt.Rejected(IngestReason.Malformed), IsRefused: false, new ReplyAddress("q", "b")));
        ledger.Add(
            new Delivery(
                3,
                IngestReceipt.Accepted(Task.FromResult(CommitResult.Failed(IngestReason.Stopping, isKept: false)), 0, 1),
                IsRefused: false,
                new ReplyAddress("q", "c")
            )
        );
        Assert.Empty(_settled);
        commit.SetResult(CommitResult.Committed);
        await ledger.WhenEmptyAsync().WaitAsync(Patience);
        Assert.Equal(
            ["a None", "b Malformed"],
            _settled.Where(what =>
                !what.StartsWith("ack", StringComparison.Ordinal) && !what.StartsWith("reject", StringComparison.Ordinal)
            )
        );
    }

    [Fact]
    public async Task Few_wait_a_little_for_others()
    {
        var ledger = Ledger(1024);
        ledger.Add(Accepted(1, Task.FromResult(CommitResult.Committed)));
        using var patience = new CancellationTokenSource(Patience);
        while (!_isSettled.Task.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(5));
            await Task.Yield();
            patience.Token.ThrowIfCancellationRequested();
        }

        Assert.Equal(["ack 1"], _settled);
    }

    void ISettlement.Tell(ReplyAddress address, IngestReason reason) => _settled.Add($"{address.CorrelationId} {reason}");

    ValueTask ISettlement.AcknowledgeAsync(ulong tag) => Settle($"ack {tag}");

    ValueTask ISettlement.RejectAsync(ulong tag) => Settle($"reject {tag}");

    private static Delivery Accepted(ulong tag, Task<CommitResult> commit) =>
        new(tag, IngestReceipt.Accepted(commit, 0, 1), IsRefused: false);

    private ValueTask Settle(string what)
    {
        if (_fails)
            throw new InvalidOperationException("The channel is closed.");
        _settled.Add(what);
        _isSettled.TrySetResult();
        return ValueTask.CompletedTask;
    }

    private AckLedger Ledger(int capacity, bool isContentWithDeadLetters = false) =>
        new(this, "plant", capacity, isContentWithDeadLetters, new AmqpMetrics(_services.GetRequiredService<IMeterFactory>()), _time);
}
