using Insa.Iiot.Protocols.OpcUa.Events;

namespace Insa.Iiot.Protocols.OpcUa.Alarms;

/// <summary>What is known of an alarm: its newest state, and the events by which it can be acknowledged. Immutable.</summary>
/// <param name="State">The state.</param>
/// <param name="Event">The event that tells of it.</param>
/// <param name="Recent">The events since it last had to be acknowledged, oldest first, with the state that each tells of.</param>
/// <param name="Touched">When it came to be known, in the order of all of the tenant's.</param>
internal sealed record Condition(AlarmState State, AlarmEvent Event, (UaEvent Event, long Version)[] Recent, long Touched)
{
    private const int MostRecent = 32;

    /// <summary>Finds the state that an event tells of.</summary>
    public bool TryFindVersion(ReadOnlySpan<byte> eventId, out long version)
    {
        version = 0;
        foreach (var (e, told) in Recent)
        {
            if (!e.Id.SequenceEqual(eventId))
                continue;
            version = told;
            return true;
        }

        return false;
    }

    /// <summary>The events by which a next state can be acknowledged.</summary>
    public static (UaEvent, long)[] After(Condition? before, AlarmState state, UaEvent e)
    {
        var hasToBeAcknowledgedAgain = before is null || (before.State.IsAcknowledged && !state.IsAcknowledged);
        var kept = hasToBeAcknowledgedAgain ? [] : before!.Recent;
        return [.. kept.Skip(Math.Max(0, kept.Length + 1 - MostRecent)), (e, state.Version)];
    }
}
