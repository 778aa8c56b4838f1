using System.Globalization;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.Events;

/// <summary>Compares and converts the values of where clauses, by the precedence and conversions of OPC 10000-4 §7.7.3.</summary>
internal static class FilterValues
{
    /// <summary>What <see cref="Compare"/> says of values that have no order.</summary>
    public const int Unordered = int.MaxValue;

    // From the type that others are converted to on (OPC 10000-4 table 126).
    private static readonly BuiltInType[] _integersByPrecedence =
    [
        BuiltInType.Int64,
        BuiltInType.UInt64,
        BuiltInType.Int32,
        BuiltInType.UInt32,
        BuiltInType.Int16,
        BuiltInType.UInt16,
        BuiltInType.SByte,
        BuiltInType.Byte,
    ];

    /// <returns><see langword="null"/> if one of them is null; false for values of types that cannot be converted.</returns>
    public static bool? AreEqual(in Variant left, in Variant right)
    {
        if (left.IsNull || right.IsNull)
            return null;
        if (left.IsArray || right.IsArray)
            return left == right;
        if (Compare(left, right) is { } sign and not Unordered)
            return sign == 0;
        if (left.Type == right.Type)
            return left == right && !IsNaN(left);
        if (left.Type == BuiltInType.String)
            return IsText(right, left.Text);
        if (right.Type == BuiltInType.String)
            return IsText(left, right.Text);
        return TryGetNodeId(left, out var one) && TryGetNodeId(right, out var other) && one == other;
    }

    /// <returns>The sign; <see cref="Unordered"/> for values that have no order; <see langword="null"/> if one of them is null.</returns>
    public static int? Compare(in Variant left, in Variant right)
    {
        if (left.IsNull || right.IsNull)
            return null;
        if (left.IsArray || right.IsArray)
            return Unordered;
        if (left.Type == BuiltInType.DateTime && right.Type == BuiltInType.DateTime)
            return left.Int64.CompareTo(right.Int64);
        if (TryGetText(left, out var text) && TryGetText(right, out var other))
            return Math.Sign(string.CompareOrdinal(text, other));
        var number = left.Type == BuiltInType.String ? Parse(left.Text, right.Type) : left;
        var otherNumber = right.Type == BuiltInType.String ? Parse(right.Text, left.Type) : right;
        return CompareNumbers(number, otherNumber);
    }

    /// <summary>Converts a value explicitly. Null if it has no such form.</summary>
    public static Variant Cast(in Variant value, BuiltInType type)
    {
        if (value.Type == type)
            return value;
        if (value.IsNull || value.IsArray)
            return default;
        return type switch
        {
            BuiltInType.Boolean or (>= BuiltInType.SByte and <= BuiltInType.Double) or BuiltInType.StatusCode => ToNumber(value, type),
            BuiltInType.String => Variant.Of(ToText(value)) is { Reference: not null } text ? text : default,
            BuiltInType.DateTime => ToDateTime(value),
            BuiltInType.Guid => ToGuid(value),
            BuiltInType.ByteString => value.TryGet<Guid>(out var guid) ? Variant.OfByteString(guid.ToByteArray()) : default,
            BuiltInType.NodeId => ToNodeId(value) is { } id ? Variant.Of(id) : default,
            BuiltInType.ExpandedNodeId => ToNodeId(value) is { } id ? Variant.Of((ExpandedNodeId)id) : default,
            BuiltInType.QualifiedName => TryGetText(value, out var name) ? Variant.Of(new QualifiedName(0, name)) : default,
            BuiltInType.LocalizedText => TryGetText(value, out var localized) ? Variant.Of(new LocalizedText(null, localized)) : default,
            _ => default,
        };
    }

    /// <summary>Joins two integers bit by bit, in the type that comes first by precedence. Null for anything else.</summary>
    public static Variant Bitwise(in Variant left, in Variant right, bool isAnd)
    {
        if (!left.IsInteger || !right.IsInteger || left.IsArray || right.IsArray)
            return default;
        var (one, other) = (left.Type, right.Type);
        var type = Array.Find(_integersByPrecedence, each => each == one || each == other);
        return OfInteger(type, unchecked((Int128)(long)(isAnd ? left.Bits & right.Bits : left.Bits | right.Bits)), isTruncated: true);
    }

    /// <summary>The text of a value that is one: a string, localized text or qualified name.</summary>
    public static bool TryGetText(in Variant value, out string text)
    {
        text = "";
        if (value.IsArray)
            return false;
        var found = value.Reference switch
        {
            string plain when value.Type == BuiltInType.String => plain,
            LocalizedText localized => localized.Text,
            QualifiedName name => name.Name,
            _ => null,
        };
        text = found ?? "";
        return found is not null;
    }

    /// <summary>The id of a node of this server.</summary>
    public static bool TryGetNodeId(in Variant value, out NodeId id)
    {
        id = default;
        if (value.IsArray)
            return false;
        if (value.Reference is NodeId plain)
        {
            id = plain;
            return true;
        }

        if (value.Reference is not ExpandedNodeId { ServerIndex: 0 } expanded)
            return false;
        id = expanded.NodeId;
        return expanded.NamespaceUri is null
            || (expanded.NamespaceUri == AddressSpace.TenantSpace.UaNamespace && expanded.NodeId.NamespaceIndex == 0);
    }

    /// <summary>The built-in type that an operand of Cast names.</summary>
    public static bool TryGetBuiltInType(in Variant value, out BuiltInType type)
    {
        type = BuiltInType.Null;
        if (!TryGetNodeId(value, out var id) || id is not { Type: NodeIdType.Numeric, NamespaceIndex: 0 })
            return false;
        type = (BuiltInType)Math.Min(id.Numeric, byte.MaxValue);
        return type is >= BuiltInType.Boolean and <= BuiltInType.LocalizedText and not BuiltInType.XmlElement;
    }

    private static bool IsNumber(in Variant value) => value.IsNumeric || value.Type is BuiltInType.Boolean or BuiltInType.StatusCode;

    private static bool IsNaN(in Variant value) => value.IsNumeric && value.TryGetNumber(out var number) && double.IsNaN(number);

    private static int CompareNumbers(in Variant left, in Variant right)
    {
        if (!IsNumber(left) || !IsNumber(right))
            return Unordered;
        if (TryGetWhole(left, out var one) && TryGetWhole(right, out var other))
            return one.CompareTo(other);
        var (first, second) = (ToDouble(left), ToDouble(right));
        return double.IsNaN(first) || double.IsNaN(second) ? Unordered : first.CompareTo(second);
    }

    private static bool TryGetWhole(in Variant value, out Int128 whole)
    {
        whole = value.Type is BuiltInType.SByte or BuiltInType.Int16 or BuiltInType.Int32 or BuiltInType.Int64 ? value.Int64 : value.UInt64;
        return value.IsInteger || value.Type is BuiltInType.Boolean or BuiltInType.StatusCode;
    }

    private static double ToDouble(in Variant value) => value.TryGetNumber(out var number) ? number : value.UInt64;

    private static bool IsText(in Variant value, string? text) =>
        text is not null
        && value.Type is BuiltInType.Guid or BuiltInType.NodeId or BuiltInType.ExpandedNodeId
        && Cast(Variant.Of(text), value.Type) == value;

    // A string as a number of the type that it meets; null if it is none.
    private static Variant Parse(string? text, BuiltInType type)
    {
        if (text is null)
            return default;
        if (type == BuiltInType.Boolean)
            return text switch
            {
                "true" or "1" => Variant.Of(true),
                "false" or "0" => Variant.Of(false),
                _ => default,
            };
        if (type is BuiltInType.Float or BuiltInType.Double)
            return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? Variant.Of(number) : default;
        if (type is not ((>= BuiltInType.SByte and <= BuiltInType.UInt64) or BuiltInType.StatusCode))
            return default;
        return Int128.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole)
            ? OfInteger(type, whole, isTruncated: false)
            : default;
    }

    private static Variant ToNumber(in Variant value, BuiltInType type)
    {
        if (value.Type == BuiltInType.String)
            return Parse(value.Text, type) is { IsNull: false } parsed && type == BuiltInType.Float
                ? Variant.Of((float)parsed.Double)
                : Parse(value.Text, type);
        if (!IsNumber(value))
            return default;
        if (type == BuiltInType.Double)
            return Variant.Of(ToDouble(value));
        if (type == BuiltInType.Float)
            return Variant.Of((float)ToDouble(value));
        if (!TryGetWhole(value, out var whole))
        {
            // Rounded, as OPC 10000-4 table 125 has it.
            var rounded = Math.Round(ToDouble(value), MidpointRounding.AwayFromZero);
            if (!(Math.Abs(rounded) < 1e20))
                return default;
            whole = (Int128)rounded;
        }

        return type == BuiltInType.Boolean ? Variant.Of(whole != 0) : OfInteger(type, whole, isTruncated: false);
    }

    private static Variant OfInteger(BuiltInType type, Int128 value, bool isTruncated)
    {
        var (least, most) = type switch
        {
            BuiltInType.SByte => (sbyte.MinValue, sbyte.MaxValue),
            BuiltInType.Byte => (0, byte.MaxValue),
            BuiltInType.Int16 => (short.MinValue, short.MaxValue),
            BuiltInType.UInt16 => (0, ushort.MaxValue),
            BuiltInType.Int32 => (int.MinValue, int.MaxValue),
            BuiltInType.UInt32 or BuiltInType.StatusCode => (0, uint.MaxValue),
            BuiltInType.Int64 => (long.MinValue, long.MaxValue),
            _ => ((Int128)0, (Int128)ulong.MaxValue),
        };
        if (!isTruncated && (value < least || value > most))
            return default;
        unchecked
        {
            return type switch
            {
                BuiltInType.SByte => Variant.Of((sbyte)value),
                BuiltInType.Byte => Variant.Of((byte)value),
                BuiltInType.Int16 => Variant.Of((short)value),
                BuiltInType.UInt16 => Variant.Of((ushort)value),
                BuiltInType.Int32 => Variant.Of((int)value),
                BuiltInType.UInt32 => Variant.Of((uint)value),
                BuiltInType.StatusCode => Variant.Of(new StatusCode((uint)value)),
                BuiltInType.Int64 => Variant.Of((long)value),
                _ => Variant.Of((ulong)value),
            };
        }
    }

    private static string? ToText(in Variant value) =>
        value.Type switch
        {
            BuiltInType.Boolean => value.Boolean ? "true" : "false",
            BuiltInType.DateTime => UaDateTime.ToDateTime(value.Int64).ToString("O", CultureInfo.InvariantCulture),
            BuiltInType.Float => value.Float.ToString(CultureInfo.InvariantCulture),
            BuiltInType.Double => value.Double.ToString(CultureInfo.InvariantCulture),
            _ when TryGetWhole(value, out var whole) => whole.ToString(CultureInfo.InvariantCulture),
            _ when TryGetText(value, out var text) => text,
            _ when TryGetNodeId(value, out var id) => id.ToString(),
            _ when value.TryGet<Guid>(out var guid) => guid.ToString(),
            _ => null,
        };

    private static Variant ToDateTime(in Variant value) =>
        value.Type == BuiltInType.String
        && DateTimeOffset.TryParse(value.Text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? Variant.Of(time)
            : default;

    private static Variant ToGuid(in Variant value)
    {
        if (value.Type == BuiltInType.String)
            return Guid.TryParse(value.Text, out var parsed) ? Variant.Of(parsed) : default;
        return value.TryGet<byte[]>(out var bytes) && value.Type == BuiltInType.ByteString && bytes.Length == 16
            ? Variant.Of(new Guid(bytes))
            : default;
    }

    private static NodeId? ToNodeId(in Variant value)
    {
        if (TryGetNodeId(value, out var id))
            return id;
        return value.Type == BuiltInType.String && NodeId.TryParse(value.Text, out id) ? id : null;
    }
}
