namespace Insa.Iiot;

/// <summary>How far a value can be trusted: the OPC UA status class in the low two bits (OPC 10000-8 §7.2), and flags above them.</summary>
[Flags]
public enum TelemetryQuality : byte
{
    /// <summary>The value is as measured.</summary>
    Good = 0,

    /// <summary>The value may be off.</summary>
    Uncertain = 1,

    /// <summary>The value must not be used.</summary>
    Bad = 2,

    /// <summary>The value was put in place of a measured one.</summary>
    Substituted = 4,

    /// <summary>The value came after newer ones of the same metric.</summary>
    Late = 8,
}
