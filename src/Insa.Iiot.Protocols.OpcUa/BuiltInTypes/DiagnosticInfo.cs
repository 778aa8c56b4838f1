namespace Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

/// <summary>Diagnostic information as it was encoded (Part 6 §5.2.2.12). Nobody here looks inside; we send none of our own.</summary>
internal readonly struct DiagnosticInfo(byte[] encoded) : IEquatable<DiagnosticInfo>
{
    /// <summary>At least the one byte that says which fields follow.</summary>
    public ReadOnlySpan<byte> Encoded => encoded is null ? [0] : encoded;

    public bool Equals(DiagnosticInfo other) => Encoded.SequenceEqual(other.Encoded);

    public override bool Equals(object? obj) => obj is DiagnosticInfo other && Equals(other);

    public override int GetHashCode() => Encoded.Length;
}
