namespace Insa.Iiot.Protocols.OpcUa.Server.Sessions;

/// <summary>Numbers the slots of sessions.</summary>
internal static class SessionSlots
{
    /// <summary>How many there can be: each costs a reference in every session.</summary>
    public const int Most = 8;

    private static int _taken;

    public static int Take()
    {
        var index = Interlocked.Increment(ref _taken) - 1;
        return index < Most ? index : throw new InvalidOperationException("There are no more slots in sessions: raise SessionSlots.Most.");
    }
}
