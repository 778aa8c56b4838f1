using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Encoding;

/// <summary>A structure type that is known only at run time.</summary>
internal abstract class AnyStructure
{
    public abstract int MinimumEncodedBytes { get; }

    public static AnyStructure Of(Type type) => (AnyStructure)Activator.CreateInstance(typeof(Typed<>).MakeGenericType(type))!;

    public static byte[] Encode(IUaEncodable structure) => Wire.Of((ref UaWriter writer) => structure.Encode(ref writer));

    public abstract byte[] Reencode(byte[] bytes);

    /// <summary>Reads what may be anything.</summary>
    public abstract StatusCode Read(ReadOnlySpan<byte> bytes, EncodingLimits limits, out IUaEncodable structure);

    private sealed class Typed<T> : AnyStructure
        where T : IUaStructure<T>
    {
        public override int MinimumEncodedBytes => T.MinimumEncodedBytes;

        public override byte[] Reencode(byte[] bytes) => Encode(Wire.Whole(bytes, (ref UaReader reader) => T.Decode(ref reader)));

        public override StatusCode Read(ReadOnlySpan<byte> bytes, EncodingLimits limits, out IUaEncodable structure)
        {
            var reader = new UaReader(bytes, limits);
            structure = T.Decode(ref reader);
            return reader.Status;
        }
    }
}
