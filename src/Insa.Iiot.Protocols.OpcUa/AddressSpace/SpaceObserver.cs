using System.Threading.Channels;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Brings committed telemetry into the spaces that there are, and remembers devices that they do not have.</summary>
internal sealed class SpaceObserver(TenantSpaces spaces) : ITelemetryObserver
{
    private const int MostUnknown = 1024;

    private readonly Channel<DeviceIdentity> _unknown = Channel.CreateBounded<DeviceIdentity>(
        new BoundedChannelOptions(MostUnknown) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true }
    );
    private readonly HashSet<DeviceIdentity> _asked = [];
    private readonly Lock _lock = new();
    private readonly List<int> _changed = [];

    /// <summary>Devices that spoke and are in no space, each once until <see cref="ForgetUnknown"/>.</summary>
    public ChannelReader<DeviceIdentity> Unknown => _unknown.Reader;

    public ValueTask OnCommittedAsync(TelemetryBatch batch, CancellationToken cancellationToken)
    {
        foreach (var chunk in batch.Chunks)
        {
            if (spaces.Find(chunk.Tenant) is not { } space)
                continue;
            for (var i = 0; i < chunk.FrameCount; i++)
            {
                if (chunk.RejectionOf(i) != IngestReason.None)
                    continue;
                var frame = chunk[i];
                _changed.Clear();
                if (!space.Apply(frame, _changed))
                    Ask(new DeviceIdentity(chunk.Tenant, frame.Device));
            }
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Lets devices be asked for again that were not found before.</summary>
    public void ForgetUnknown()
    {
        lock (_lock)
            _asked.Clear();
    }

    private void Ask(DeviceIdentity device)
    {
        lock (_lock)
        {
            if (_asked.Count < MostUnknown && _asked.Add(device))
                _unknown.Writer.TryWrite(device);
        }
    }
}
