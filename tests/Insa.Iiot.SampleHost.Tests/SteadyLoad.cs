namespace Insa.Iiot.SampleHost.Tests;

/// <summary>Devices that publish without a pause, and connect again when they must, until they are stopped.</summary>
internal sealed class SteadyLoad : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PauseBeforeConnecting = TimeSpan.FromMilliseconds(50);

    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly Task _running;
    private TaskCompletionSource _reached = new();
    private long _acknowledged;
    private long _target = long.MaxValue;
    private int _connections;

    private SteadyLoad(HostProcess host, IReadOnlyCollection<LoadDevice> devices)
    {
        Devices = devices;
        _running = Task.WhenAll(devices.Select(device => RunAsync(host, device)));
    }

    public IReadOnlyCollection<LoadDevice> Devices { get; }

    /// <summary>How often a device has connected.</summary>
    public int Connections => _connections;

    public static async Task<SteadyLoad> StartAsync(HostProcess host, int devices)
    {
        var start = DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds()).AddHours(-12);
        var made = new List<LoadDevice>();
        for (var i = 0; i < devices; i++)
        {
            var (user, password) = await host.AddDeviceAsync($"load-{i}");
            made.Add(new LoadDevice($"load-{i}", user, password, start));
        }

        return new SteadyLoad(host, made);
    }

    /// <summary>Waits until so many more readings are acknowledged.</summary>
    public async Task AcknowledgedAsync(int more)
    {
        Task reached;
        lock (_lock)
        {
            _target = _acknowledged + more;
            _reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            reached = _reached.Task;
        }

        if (await Task.WhenAny(reached, _running).WaitAsync(Patience) == _running)
            await _running;
    }

    /// <summary>Stops all devices; what they sent last may or may not be acknowledged.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(Patience);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task RunAsync(HostProcess host, LoadDevice device)
    {
        while (!_stop.IsCancellationRequested)
        {
            Interlocked.Increment(ref _connections);
            await device.RunAsync(host.Mqtt, Count, _stop.Token);

            // As a device would: not at once again.
            await Task.Delay(PauseBeforeConnecting, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Count(int count)
    {
        lock (_lock)
        {
            _acknowledged += count;
            if (_acknowledged < _target)
                return;
            _target = long.MaxValue;
            _reached.SetResult();
        }
    }
}
