using Insa.Iiot.Protocols.Amqp.Diagnostics;

namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>
/// Settles the deliveries of one channel in their order, once what they hold is committed: one acknowledgement for all up to a tag. A message that is
/// rejected is so by itself, before any acknowledgement passes it; one that may be tried again keeps those behind it from being acknowledged.
/// </summary>
internal sealed class AckLedger : IThreadPoolWorkItem
{
    // A broker takes fewer acknowledgements of more messages more cheaply: few of them wait for others a little.
    private static readonly TimeSpan Wait = TimeSpan.FromMilliseconds(5);

    private readonly Lock _sync = new();
    private readonly ISettlement _settlement;
    private readonly string _tenant;
    private readonly int _capacity;
    private readonly int _enough;
    private readonly bool _isContentWithDeadLetters;
    private readonly AmqpMetrics _metrics;
    private readonly ITimer _timer;
    private readonly Delivery[] _deliveries;
    private Task<CommitResult>? _lastCommit;
    private Action? _onCommitted;
    private int _first;
    private int _count;
    private ulong _committed;
    private int _committedCount;
    private bool _isDraining;
    private bool _isBlocked;
    private bool _isWaiting;
    private bool _isDue;
    private bool _isEnding;
    private TaskCompletionSource? _empty;

    /// <param name="settlement">The channel.</param>
    /// <param name="tenant">Whose messages they are.</param>
    /// <param name="capacity">The channel's prefetch: the broker has no more than that on their way.</param>
    /// <param name="isContentWithDeadLetters">Whether what is kept among its tenant's dead letters is acknowledged.</param>
    /// <param name="metrics">Counts.</param>
    /// <param name="time">The time.</param>
    public AckLedger(
        ISettlement settlement,
        string tenant,
        int capacity,
        bool isContentWithDeadLetters,
        AmqpMetrics metrics,
        TimeProvider time
    )
    {
        (_settlement, _tenant, _capacity, _metrics) = (settlement, tenant, capacity, metrics);
        _isContentWithDeadLetters = isContentWithDeadLetters;
        _enough = Math.Clamp(capacity / 8, 1, 128);
        _deliveries = new Delivery[capacity];
        _timer = time.CreateTimer(
            static ledger => ((AckLedger)ledger!).WaitedEnough(),
            this,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );
    }

    /// <summary>Takes a delivery that the pipeline has taken, or refused.</summary>
    public void Add(in Delivery delivery)
    {
        var commit = delivery.Receipt.Commit;
        bool isNewCommit;
        lock (_sync)
        {
            if (_count == _capacity)
                throw new InvalidOperationException("The broker has delivered more than the prefetch.");
            _deliveries[(_first + _count) % _capacity] = delivery;
            _count++;
            isNewCommit = commit is not null && commit != _lastCommit;
            if (isNewCommit)
                _lastCommit = commit;
        }

        // All messages of a batch share their commit: one continuation for them all.
        if (commit is null || commit.IsCompleted)
            Drain();
        else if (isNewCommit)
            commit.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(_onCommitted ??= Drain);
    }

    /// <summary>Completes when all that was taken is settled, or cannot be. From now on nothing waits for others.</summary>
    public Task WhenEmptyAsync()
    {
        Task empty;
        lock (_sync)
        {
            _isEnding = true;
            if (IsEmpty || _isBlocked)
                return Task.CompletedTask;
            empty = (_empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        Drain();
        return empty;
    }

    private bool IsEmpty => _count == 0 && _committedCount == 0 && !_isDraining;

    void IThreadPoolWorkItem.Execute() => _ = DrainAsync();

    // Elsewhere than where messages come in and commits complete: meanwhile there will be more to settle at once.
    private void Drain()
    {
        lock (_sync)
        {
            if (_isDraining || _isBlocked)
                return;
            if (!_isDue && !_isEnding && _count + _committedCount < _enough)
            {
                WaitForOthers();
                return;
            }

            _isDraining = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private async Task DrainAsync()
    {
        try
        {
            while (TryTake(out var acknowledged, out var rejected))
            {
                if (acknowledged != 0)
                    await _settlement.AcknowledgeAsync(acknowledged).ConfigureAwait(false);
                if (rejected != 0)
                    await _settlement.RejectAsync(rejected).ConfigureAwait(false);
            }
        }
        catch (Exception)
        {
            // The channel is gone, which the settlement has told; what was not acknowledged comes again by the next one.
            Block();
        }
    }

    // What can be settled by now: all up to a tag, and one to be rejected behind them.
    private bool TryTake(out ulong acknowledged, out ulong rejected)
    {
        (acknowledged, rejected) = (0, 0);
        TaskCompletionSource? empty = null;
        lock (_sync)
        {
            while (_count > 0 && rejected == 0 && !_isBlocked)
            {
                ref var head = ref _deliveries[_first];
                if (head.Receipt.Commit is { IsCompleted: false })
                    break;
                var reason = ReasonOf(head);
                if (reason is IngestReason.Stopping or IngestReason.LaneFull)
                {
                    _isBlocked = true;
                    break;
                }

                if ((reason == IngestReason.None && !head.IsRefused) || (_isContentWithDeadLetters && IsDeadLettered(head)))
                    (_committed, _committedCount) = (head.Tag, _committedCount + 1);
                else
                    rejected = head.Tag;
                if (reason != IngestReason.None)
                    _metrics.Refused(_tenant, RefusalNames.Of(reason));
                if (head.ReplyAddress is { } address)
                    _settlement.Tell(address, reason);
                head = default;
                _first = (_first + 1) % _capacity;
                _count--;
            }

            if (_committedCount >= _enough || rejected != 0 || _isBlocked || _isDue || _isEnding)
                (acknowledged, _committed, _committedCount, _isDue) = (_committed, 0, 0, false);
            if (acknowledged != 0 || rejected != 0)
                return true;
            _isDraining = false;
            if (_committedCount > 0)
                WaitForOthers();
            if (IsEmpty || _isBlocked)
                (empty, _empty) = (_empty, null);
        }

        empty?.TrySetResult();
        return false;
    }

    private void WaitForOthers()
    {
        if (!_isWaiting)
            _isWaiting = _timer.Change(Wait, Timeout.InfiniteTimeSpan);
    }

    private void WaitedEnough()
    {
        lock (_sync)
            (_isWaiting, _isDue) = (false, true);
        Drain();
    }

    private void Block()
    {
        TaskCompletionSource? empty;
        lock (_sync)
        {
            (_isBlocked, _isDraining) = (true, false);
            (empty, _empty) = (_empty, null);
        }

        empty?.TrySetResult();
    }

    private static bool IsDeadLettered(in Delivery delivery) =>
        delivery.Receipt.Commit is { } commit && delivery.Receipt.IsDeadLettered(commit.Result);

    private static IngestReason ReasonOf(in Delivery delivery) =>
        delivery.IsRefused ? IngestReason.None
        : delivery.Receipt.Commit is { } commit ? delivery.Receipt.Settle(commit.Result)
        : delivery.Receipt.Reason;
}
