using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Writes values as they lie in their columns (OPC 10000-6 §5.2.2.17).</summary>
internal static class DataValueWriter
{
    private const byte HasValue = 0x01;
    private const byte HasStatus = 0x02;
    private const byte HasSourceTimestamp = 0x04;
    private const byte HasServerTimestamp = 0x08;

    /// <param name="writer">Where to.</param>
    /// <param name="latest">The value.</param>
    /// <param name="wantsSource">Whether the time of the value is told.</param>
    /// <param name="serverTicks">The server's time to tell, in UA ticks; 0 for none.</param>
    public static void Write(ref UaWriter writer, in LatestValue latest, bool wantsSource, long serverTicks)
    {
        if (latest.Ticks == 0)
        {
            Write(ref writer, StatusCodes.BadWaitingForInitialData, serverTicks);
            return;
        }

        var status = TelemetryStatus.Of(latest.Quality);
        var mask = HasValue;
        if (status.Value != 0)
            mask |= HasStatus;
        if (wantsSource)
            mask |= HasSourceTimestamp;
        if (serverTicks != 0)
            mask |= HasServerTimestamp;
        writer.Byte(mask);
        switch (latest.Kind)
        {
            case TelemetryValueKind.Double:
                writer.Byte((byte)BuiltInType.Double);
                writer.Int64(latest.Bits);
                break;
            case TelemetryValueKind.Long:
                writer.Byte((byte)BuiltInType.Int64);
                writer.Int64(latest.Bits);
                break;
            case TelemetryValueKind.Bool:
                writer.Byte((byte)BuiltInType.Boolean);
                writer.Boolean(latest.Bits != 0);
                break;
            default:
                writer.Byte((byte)BuiltInType.String);
                writer.Utf8String(latest.Text);
                break;
        }

        if (status.Value != 0)
            writer.StatusCode(status);
        if (wantsSource)
            writer.DateTime(UaDateTime.FromTicks(latest.Ticks));
        if (serverTicks != 0)
            writer.DateTime(serverTicks);
    }

    /// <summary>Writes that there is no value, and why.</summary>
    public static void Write(ref UaWriter writer, StatusCode status, long serverTicks)
    {
        writer.Byte(serverTicks != 0 ? (byte)(HasStatus | HasServerTimestamp) : HasStatus);
        writer.StatusCode(status);
        if (serverTicks != 0)
            writer.DateTime(serverTicks);
    }
}
