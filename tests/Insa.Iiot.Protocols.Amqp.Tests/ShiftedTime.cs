namespace Insa.Iiot.Protocols.Amqp.Tests;

/// <summary>The real time, later by so much.</summary>
internal sealed class ShiftedTime(TimeSpan shift) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + shift;
}
