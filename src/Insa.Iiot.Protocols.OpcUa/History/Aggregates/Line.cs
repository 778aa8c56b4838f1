namespace Insa.Iiot.Protocols.OpcUa.History.Aggregates;

/// <summary>The line through two samples.</summary>
internal static class Line
{
    public static double At(long ticks, in HistorySample earlier, in HistorySample later) =>
        earlier.Number + ((later.Number - earlier.Number) * ((double)(ticks - earlier.Ticks) / (later.Ticks - earlier.Ticks)));
}
