using Insa.Iiot.Protocols.OpcUa.AddressSpace;

namespace Insa.Iiot.Protocols.OpcUa.Server.Writing;

/// <summary>Values that were written for one device and one time.</summary>
/// <param name="session">By whom it comes in.</param>
/// <param name="device">The device.</param>
/// <param name="ticks">The time, in UTC ticks.</param>
/// <param name="offset">Where its bytes begin.</param>
internal sealed class WriteFrame(DeviceSession session, DeviceNode device, long ticks, int offset)
{
    private const int MostValues = 1024;

    public DeviceSession Session => session;

    public DeviceNode Device => device;

    public int Offset => offset;

    public int Length { get; set; }

    public List<WrittenValue> Values { get; } = [];

    /// <summary>What the ingress has said; of an accepted frame the commit is to be waited for.</summary>
    public IngestReceipt Receipt { get; set; }

    /// <summary>Whether a value belongs to it: the same device and time, and no metric twice.</summary>
    public bool Takes(DeviceNode other, ReadOnlySpan<byte> metric, long otherTicks)
    {
        if (!ReferenceEquals(device, other) || ticks != otherTicks || Values.Count == MostValues)
            return false;
        foreach (var value in Values)
        {
            if (System.Text.Encoding.UTF8.GetByteCount(value.Metric) == metric.Length && Matches(value.Metric, metric))
                return false;
        }

        return true;
    }

    private static bool Matches(string name, ReadOnlySpan<byte> utf8) =>
        System.Text.Unicode.Utf8.IsValid(utf8) && string.Equals(name, System.Text.Encoding.UTF8.GetString(utf8), StringComparison.Ordinal);
}
