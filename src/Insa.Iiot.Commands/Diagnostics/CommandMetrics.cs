using System.Diagnostics.Metrics;

namespace Insa.Iiot.Commands.Diagnostics;

internal sealed class CommandMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _sent;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _closed;

    public CommandMetrics(IMeterFactory factory)
    {
        _meter = factory.Create("Insa.Iiot.Commands");
        _sent = _meter.CreateCounter<long>("insa.iiot.commands.sent", "{command}", "Commands that were queued.");
        _refused = _meter.CreateCounter<long>("insa.iiot.commands.refused", "{command}", "Commands for which there was no room.");
        _closed = _meter.CreateCounter<long>("insa.iiot.commands.closed", "{command}", "Commands that have come to their end, by state.");
    }

    public void Sent() => _sent.Add(1);

    public void Refused() => _refused.Add(1);

    public void Closed(DeviceCommandState state) => _closed.Add(1, new KeyValuePair<string, object?>("state", NameOf(state)));

    public void Dispose() => _meter.Dispose();

    private static string NameOf(DeviceCommandState state) =>
        state switch
        {
            DeviceCommandState.Delivered => "delivered",
            DeviceCommandState.Succeeded => "succeeded",
            DeviceCommandState.Failed => "failed",
            DeviceCommandState.Expired => "expired",
            DeviceCommandState.Cancelled => "cancelled",
            _ => "_other",
        };
}
