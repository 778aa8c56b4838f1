using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Conformance;

/// <summary>What surrounds an adapter under test: a store in memory that can hold and fail its commits, two devices, and all that is logged.</summary>
public sealed class AdapterSurroundings : ITelemetrySink, IDeviceAuthenticator, IDeadLetterStore, ILoggerProvider
{
    /// <summary>The device of the suite, <c>press@plant</c>, and its secret.</summary>
    public const string UserName = "press@plant";

    /// <summary>The secret of <see cref="UserName"/> and of <c>press@other</c>.</summary>
    public const string Secret = "s3cret-of-the-suite";

    private readonly Lock _sync = new();
    private readonly List<(TenantId Tenant, DeviceId Device, double Value)> _stored = [];
    private readonly List<DeadLetter> _letters = [];
    private readonly ConcurrentQueue<string> _logs = new();
    private volatile TaskCompletionSource _gate = Opened();
    private volatile TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _failures;

    /// <inheritdoc/>
    public int MaxConcurrentWrites => 1;

    /// <summary>The first value of every frame stored, in the order of their commits.</summary>
    public IReadOnlyList<(TenantId Tenant, DeviceId Device, double Value)> Stored
    {
        get
        {
            lock (_sync)
                return [.. _stored];
        }
    }

    /// <summary>The messages kept as dead letters.</summary>
    public IReadOnlyList<DeadLetter> Letters
    {
        get
        {
            lock (_sync)
                return [.. _letters];
        }
    }

    /// <summary>All that was logged, with its exceptions.</summary>
    public IReadOnlyCollection<string> Logs => _logs;

    /// <summary>Registers the sink, the authenticator, the dead letters and the logs with a host.</summary>
    public void AddTo(IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddSingleton<ITelemetrySink>(this).AddSingleton<IDeviceAuthenticator>(this).AddSingleton<IDeadLetterStore>(this);
        services.AddSingleton<ILoggerProvider>(this);
    }

    /// <summary>Lets no commit through until <see cref="ReleaseCommits"/>.</summary>
    /// <returns>Completes when a write has begun and is held.</returns>
    public Task HoldCommits()
    {
        _begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return _begun.Task;
    }

    /// <summary>Lets commits through again.</summary>
    public void ReleaseCommits() => _gate.TrySetResult();

    /// <summary>Makes the next writes fail as a store does that is out of reach.</summary>
    public void FailNextWrites(int count) => Volatile.Write(ref _failures, count);

    async Task ITelemetrySink.WriteAsync(TelemetryBatch batch, CancellationToken cancellationToken)
    {
        _begun.TrySetResult();
        await _gate.Task.WaitAsync(cancellationToken);
        if (Interlocked.Decrement(ref _failures) >= 0)
            throw new TelemetryStoreException("The store is out of reach.", isTransient: true);
        lock (_sync)
        {
            foreach (var chunk in batch.Chunks)
            {
                for (var i = 0; i < chunk.FrameCount; i++)
                    _stored.Add((chunk.Tenant, chunk[i].Device, chunk[i].GetValue(0).AsDouble()));
            }
        }
    }

    ValueTask<DeviceSession?> IDeviceAuthenticator.AuthenticateAsync(DeviceCredential credential, CancellationToken cancellationToken)
    {
        var isValid =
            credential.UserName is UserName or "press@other"
            && credential.Password.Span.SequenceEqual(System.Text.Encoding.UTF8.GetBytes(Secret));
        DeviceCredential.TrySplitUserName(credential.UserName, out var device, out var tenant);
        return ValueTask.FromResult(isValid ? new DeviceSession(tenant, device) : null);
    }

    Task IDeadLetterStore.AppendAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancellationToken)
    {
        lock (_sync)
            _letters.AddRange(letters);
        return Task.CompletedTask;
    }

    ValueTask<IReadOnlyList<DeadLetter>> IDeadLetterStore.ListAsync(
        TenantId tenant,
        long afterId,
        int limit,
        CancellationToken cancellationToken
    ) => ValueTask.FromResult(Letters);

    ValueTask<DeadLetter?> IDeadLetterStore.FindAsync(TenantId tenant, long id, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Letters.FirstOrDefault(letter => letter.Tenant == tenant && letter.Id == id));

    ValueTask<bool> IDeadLetterStore.RemoveAsync(TenantId tenant, long id, CancellationToken cancellationToken) =>
        ValueTask.FromResult(false);

    ILogger ILoggerProvider.CreateLogger(string categoryName) => new Logger(_logs);

    void IDisposable.Dispose() => ReleaseCommits();

    private static TaskCompletionSource Opened()
    {
        var opened = new TaskCompletionSource();
        opened.SetResult();
        return opened;
    }

    private sealed class Logger(ConcurrentQueue<string> logs) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => logs.Enqueue($"{formatter(state, exception)} {exception}");
    }
}
