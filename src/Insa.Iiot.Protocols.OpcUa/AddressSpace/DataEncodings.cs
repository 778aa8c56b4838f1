using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>The encodings in which a value can be asked for (OPC 10000-4 §5.10.2): the binary one, and that by default.</summary>
internal static class DataEncodings
{
    /// <returns>Good; BadDataEncodingUnsupported for an encoding that is known and not had here, BadDataEncodingInvalid for another or for another attribute.</returns>
    public static StatusCode Check(ReadOnlySpan<byte> name, ushort namespaceIndex, AttributeId attribute)
    {
        if (name.IsEmpty)
            return StatusCodes.Good;
        if (attribute != AttributeId.Value || namespaceIndex != 0)
            return StatusCodes.BadDataEncodingInvalid;
        if (name.SequenceEqual("Default Binary"u8))
            return StatusCodes.Good;
        return name.SequenceEqual("Default XML"u8) || name.SequenceEqual("Default JSON"u8)
            ? StatusCodes.BadDataEncodingUnsupported
            : StatusCodes.BadDataEncodingInvalid;
    }
}
