using System.Globalization;

namespace Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

/// <summary>A status code (Part 4 §7.39): severity in the top two bits, then sub code and info bits.</summary>
internal readonly record struct StatusCode(uint Value)
{
    private const uint CodeBits = 0xFFFF_0000;

    // Part 4 §7.39.1, info type DataValue (0x400) with the overflow bit (0x80).
    private const uint OverflowBits = 0x480;

    public bool IsGood => Value >> 30 == 0;

    public bool IsUncertain => Value >> 30 == 1;

    /// <summary>The reserved severity 3 counts as bad.</summary>
    public bool IsBad => Value >> 31 == 1;

    /// <summary>The code without its info bits.</summary>
    public StatusCode Code => new(Value & CodeBits);

    /// <summary>The same code saying that values before or after it were dropped from a queue.</summary>
    public StatusCode WithOverflow() => new(Value | OverflowBits);

    public bool HasOverflow => (Value & OverflowBits) == OverflowBits;

    public override string ToString() => StatusCodes.NameOf(this) ?? "0x" + Value.ToString("X8", CultureInfo.InvariantCulture);
}
