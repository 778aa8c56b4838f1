using System.Numerics;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>Decides which samples are news (Part 4 §7.22.2).</summary>
/// <param name="Trigger">Which changes count.</param>
/// <param name="Deadband">How far a number must move, in its own unit; 0 for any change.</param>
internal readonly record struct ChangeFilter(DataChangeTrigger Trigger, double Deadband)
{
    /// <summary>What applies when the client names none.</summary>
    public static ChangeFilter Default { get; } = new(DataChangeTrigger.StatusValue, 0);

    /// <summary>Reads the filter that a client asks for.</summary>
    /// <returns>Good, or why it is refused.</returns>
    public static StatusCode TryMake(
        in ExtensionObject filter,
        in MonitoredAttribute attribute,
        MonitoredKind kind,
        EncodingLimits limits,
        out ChangeFilter made
    )
    {
        made = Default;
        if (filter.IsNull)
            return StatusCodes.Good;
        if (filter.TypeId.Is(EncodingIds.EventFilter))
            return StatusCodes.BadFilterNotAllowed;
        if (!filter.TypeId.Is(EncodingIds.DataChangeFilter))
            return StatusCodes.BadMonitoredItemFilterUnsupported;

        if (
            !filter.TryGet<DataChangeFilter>(limits, out var asked)
            || asked.Trigger is < DataChangeTrigger.Status or > DataChangeTrigger.StatusValueTimestamp
        )
            return StatusCodes.BadMonitoredItemFilterInvalid;

        made = new ChangeFilter(asked.Trigger, 0);
        var type = (DeadbandType)asked.DeadbandType;
        if (type == DeadbandType.None)
            return StatusCodes.Good;
        if (type is not (DeadbandType.Absolute or DeadbandType.Percent))
            return StatusCodes.BadDeadbandFilterInvalid;
        if (!attribute.IsValue || !kind.IsNumber)
            return StatusCodes.BadFilterNotAllowed;
        if (!double.IsFinite(asked.DeadbandValue) || asked.DeadbandValue < 0)
            return StatusCodes.BadDeadbandFilterInvalid;
        if (type == DeadbandType.Absolute)
        {
            made = made with { Deadband = asked.DeadbandValue };
            return StatusCodes.Good;
        }

        // Part 8 §7.2: the percentage is of the EURange, which there must be.
        if (asked.DeadbandValue > 100)
            return StatusCodes.BadDeadbandFilterInvalid;
        if (!(kind.RangeWidth > 0))
            return StatusCodes.BadMonitoredItemFilterUnsupported;
        made = made with { Deadband = asked.DeadbandValue / 100 * kind.RangeWidth };
        return StatusCodes.Good;
    }

    /// <summary>Whether a sample is news after the last one that was.</summary>
    public bool Passes(in DataValue last, in DataValue sample)
    {
        if (last.Status != sample.Status)
            return true;
        return Trigger switch
        {
            DataChangeTrigger.Status => false,

            // With a deadband this trigger is the same as StatusValue.
            DataChangeTrigger.StatusValueTimestamp when Deadband == 0 && last.SourceTimestamp != sample.SourceTimestamp => true,
            _ => Deadband == 0 ? last.Value != sample.Value : Moved(last.Value, sample.Value),
        };
    }

    private bool Moved(in Variant last, in Variant sample)
    {
        if (last.Type != sample.Type || last.IsArray != sample.IsArray)
            return true;
        if (!sample.IsArray)
            return last.TryGetNumber(out var before) && sample.TryGetNumber(out var now) ? Moved(before, now) : last != sample;
        return (last.Elements, sample.Elements) switch
        {
            (double[] before, double[] now) => AnyMoved(before, now),
            (float[] before, float[] now) => AnyMoved(before, now),
            (int[] before, int[] now) => AnyMoved(before, now),
            (uint[] before, uint[] now) => AnyMoved(before, now),
            (long[] before, long[] now) => AnyMoved(before, now),
            (ulong[] before, ulong[] now) => AnyMoved(before, now),
            (short[] before, short[] now) => AnyMoved(before, now),
            (ushort[] before, ushort[] now) => AnyMoved(before, now),
            (sbyte[] before, sbyte[] now) => AnyMoved(before, now),
            (byte[] before, byte[] now) => AnyMoved(before, now),
            _ => last != sample,
        };
    }

    private bool AnyMoved<T>(T[] last, T[] sample)
        where T : INumber<T>
    {
        if (last.Length != sample.Length)
            return true;
        for (var i = 0; i < sample.Length; i++)
        {
            if (Moved(double.CreateTruncating(last[i]), double.CreateTruncating(sample[i])))
                return true;
        }

        return false;
    }

    private bool Moved(double last, double sample) =>
        double.IsNaN(last) || double.IsNaN(sample) ? double.IsNaN(last) != double.IsNaN(sample) : Math.Abs(sample - last) > Deadband;
}
