using System.Reflection;
using System.Runtime.CompilerServices;
using CsCheck;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using BuiltIn = Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Encoding;

/// <summary>Values of every type, made from a seed.</summary>
internal sealed class AnyValue(int seed)
{
    private static readonly string[] Texts = ["", "a", "水Boy", "ns=2;s=x", new string('x', 300), "𝄞 clef"];

    private static readonly Type[] Scalars =
    [
        typeof(bool),
        typeof(sbyte),
        typeof(byte),
        typeof(short),
        typeof(ushort),
        typeof(int),
        typeof(uint),
        typeof(long),
        typeof(ulong),
        typeof(float),
        typeof(double),
        typeof(string),
        typeof(Guid),
        typeof(NodeId),
        typeof(ExpandedNodeId),
        typeof(StatusCode),
        typeof(QualifiedName),
        typeof(LocalizedText),
        typeof(ExtensionObject),
        typeof(DataValue),
        typeof(DiagnosticInfo),
    ];

    private readonly Random _random = new(seed);
    private int _depth;

    public static Gen<int> Seed { get; } = Gen.Int[0, int.MaxValue - 1];

    /// <summary>Every generated structure.</summary>
    public static IReadOnlyList<Type> StructureTypes { get; } =
        typeof(IUaEncodable)
            .Assembly.GetTypes()
            .Where(type =>
                type is { IsClass: true, Namespace: "Insa.Iiot.Protocols.OpcUa.Types" } && type.IsAssignableTo(typeof(IUaEncodable))
            )
            .OrderBy(type => type.Name, StringComparer.Ordinal)
            .ToList();

    public IUaEncodable Structure(Type type)
    {
        var structure = RuntimeHelpers.GetUninitializedObject(type);
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite))
            property.SetValue(structure, Of(property.PropertyType));
        return (IUaEncodable)structure;
    }

    public Variant Variant()
    {
        if (_depth > 3 || _random.Next(10) == 0)
            return default;
        _depth++;
        try
        {
            return _random.Next(3) switch
            {
                0 => ArrayVariant(),
                1 => _random.Next(4) switch
                {
                    0 => BuiltIn.Variant.OfDateTime(_random.NextInt64()),
                    1 => BuiltIn.Variant.OfByteString((byte[]?)Of(typeof(byte[]))),
                    2 => BuiltIn.Variant.OfXml((string?)Of(typeof(string))),
                    _ => BuiltIn.Variant.Of((string?)Of(typeof(string))),
                },
                _ => Scalar(Of(Scalars[_random.Next(Scalars.Length)])),
            };
        }
        finally
        {
            _depth--;
        }
    }

    public object? Of(Type type)
    {
        if (type.IsEnum)
            return Enum.ToObject(type, _random.Next(6));
        if (type == typeof(byte[]))
            return Maybe(() => Bytes(_random.Next(20)));
        if (type.IsArray)
            return Maybe(() => ArrayOf(type.GetElementType()!, _random.Next(4)));
        if (type.IsAssignableTo(typeof(IUaEncodable)))
            return Structure(type);
        if (type == typeof(Variant))
            return Variant();
        if (type == typeof(ExtensionObject))
            return ExtensionObject();
        if (type == typeof(DataValue))
        {
            return new DataValue(
                Variant(),
                (StatusCode)Of(typeof(StatusCode))!,
                UaDateTime.Clamp(_random.NextInt64(-2, UaDateTime.LastTicks)),
                UaDateTime.Clamp(_random.NextInt64(-2, UaDateTime.LastTicks)),
                (ushort)_random.Next(3),
                (ushort)_random.Next(3)
            );
        }

        return type.Name switch
        {
            nameof(Boolean) => _random.Next(2) == 0,
            nameof(SByte) => (sbyte)_random.Next(-128, 128),
            nameof(Byte) => (byte)_random.Next(256),
            nameof(Int16) => (short)_random.Next(-32768, 32768),
            nameof(UInt16) => (ushort)_random.Next(65536),
            nameof(Int32) => _random.Next(int.MinValue, int.MaxValue),
            nameof(UInt32) => unchecked((uint)_random.Next(int.MinValue, int.MaxValue)),
            nameof(Int64) => UaDateTime.Clamp(_random.NextInt64()),
            nameof(UInt64) => unchecked((ulong)_random.NextInt64(long.MinValue, long.MaxValue)),
            nameof(Single) => _random.NextSingle() * 1000 - 500,
            nameof(Double) => _random.Next(10) == 0 ? double.NaN : _random.NextDouble() * 1e9,
            nameof(String) => Maybe(() => Texts[_random.Next(Texts.Length)]),
            nameof(Guid) => new Guid(Bytes(16)),
            nameof(NodeId) => NodeId(),
            nameof(ExpandedNodeId) => new ExpandedNodeId(NodeId(), (string?)Of(typeof(string)), (uint)_random.Next(3)),
            nameof(StatusCode) => new StatusCode((uint)_random.Next(4) << 30),
            nameof(QualifiedName) => new QualifiedName((ushort)_random.Next(65536), (string?)Of(typeof(string))),
            nameof(LocalizedText) => new LocalizedText((string?)Of(typeof(string)), (string?)Of(typeof(string))),
            nameof(DiagnosticInfo) => _random.Next(2) == 0 ? default : new DiagnosticInfo([0x41, 1, 2, 3, 4, 0x20, 0, 0, 0, 0x80]),
            _ => throw new NotSupportedException(type.Name),
        };
    }

    private static Variant Scalar(object? value) =>
        value switch
        {
            bool v => BuiltIn.Variant.Of(v),
            sbyte v => BuiltIn.Variant.Of(v),
            byte v => BuiltIn.Variant.Of(v),
            short v => BuiltIn.Variant.Of(v),
            ushort v => BuiltIn.Variant.Of(v),
            int v => BuiltIn.Variant.Of(v),
            uint v => BuiltIn.Variant.Of(v),
            long v => BuiltIn.Variant.Of(v),
            ulong v => BuiltIn.Variant.Of(v),
            float v => BuiltIn.Variant.Of(v),
            double v => BuiltIn.Variant.Of(v),
            string v => BuiltIn.Variant.Of(v),
            Guid v => BuiltIn.Variant.Of(v),
            NodeId v => BuiltIn.Variant.Of(v),
            ExpandedNodeId v => BuiltIn.Variant.Of(v),
            StatusCode v => BuiltIn.Variant.Of(v),
            QualifiedName v => BuiltIn.Variant.Of(v),
            LocalizedText v => BuiltIn.Variant.Of(v),
            ExtensionObject v => BuiltIn.Variant.Of(v),
            DataValue v => BuiltIn.Variant.Of(v),
            DiagnosticInfo v => BuiltIn.Variant.Of(v),
            _ => BuiltIn.Variant.Of((string?)null),
        };

    private Variant ArrayVariant()
    {
        var type = (BuiltInType)_random.Next(1, 26);
        var element = type switch
        {
            BuiltInType.ByteString => typeof(byte[]),
            BuiltInType.XmlElement => typeof(string),
            BuiltInType.DateTime => typeof(long),
            BuiltInType.Variant => typeof(Variant),
            BuiltInType.DiagnosticInfo => typeof(DiagnosticInfo),
            _ => Scalars.Single(scalar => scalar.Name == (type == BuiltInType.Float ? nameof(Single) : type.ToString())),
        };
        if (_random.Next(6) == 0)
            return BuiltIn.Variant.OfArray(type, null);
        if (_random.Next(4) == 0)
            return BuiltIn.Variant.OfArray(type, ArrayOf(element, 6)).WithDimensions([2, 3]);
        return BuiltIn.Variant.OfArray(type, ArrayOf(element, _random.Next(4)));
    }

    private Array ArrayOf(Type element, int length)
    {
        var array = Array.CreateInstance(element, length);
        for (var i = 0; i < length; i++)
            array.SetValue(Of(element), i);
        return array;
    }

    private NodeId NodeId() =>
        _random.Next(6) switch
        {
            0 => BuiltIn.NodeId.Of((uint)_random.Next(256)),
            1 => BuiltIn.NodeId.Of((uint)_random.Next(65536), (ushort)_random.Next(256)),
            2 => BuiltIn.NodeId.Of(uint.MaxValue, (ushort)_random.Next(65536)),
            3 => BuiltIn.NodeId.OfString((ushort)_random.Next(65536), Texts[_random.Next(Texts.Length)]),
            4 => BuiltIn.NodeId.OfGuid((ushort)_random.Next(65536), new Guid(Bytes(16))),
            _ => BuiltIn.NodeId.OfOpaque((ushort)_random.Next(65536), Bytes(_random.Next(20))),
        };

    private ExtensionObject ExtensionObject() =>
        _random.Next(4) switch
        {
            0 => default,
            1 => new(NodeId(), ExtensionObjectBody.Xml, Bytes(5)),
            2 => new(NodeId(), ExtensionObjectBody.Binary, Bytes(_random.Next(30))),
            _ => new(NodeId(), ExtensionObjectBody.None, null),
        };

    private byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    private T? Maybe<T>(Func<T> make)
        where T : class => _random.Next(4) == 0 ? null : make();
}
