using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Encoding;

/// <summary>The examples of Part 6 §5.2.2, and the forms next to them.</summary>
public sealed class BuiltInVectorTests
{
    [Fact]
    public void Numbers_are_little_endian()
    {
        Assert.Equal("00ca9a3b", Wire.HexOf((ref UaWriter writer) => writer.Int32(1_000_000_000)));
        Assert.Equal("0000d0c0", Wire.HexOf((ref UaWriter writer) => writer.Float(-6.5f)));
        Assert.Equal("0000000000001ac0", Wire.HexOf((ref UaWriter writer) => writer.Double(-6.5)));
        Assert.Equal(
            "0100feffffffffffffff",
            Wire.HexOf(
                (ref UaWriter writer) =>
                {
                    writer.UInt16(1);
                    writer.Int64(-2);
                }
            )
        );
        Assert.Equal(-6.5f, Wire.FromHex("0000d0c0", (ref UaReader reader) => reader.Float()));
        Assert.Equal(1_000_000_000, Wire.FromHex("00ca9a3b", (ref UaReader reader) => reader.Int32()));
        Assert.Equal(-2, Wire.FromHex("fe", (ref UaReader reader) => reader.SByte()));
        Assert.Equal(-2, Wire.FromHex("feff", (ref UaReader reader) => reader.Int16()));
    }

    [Fact]
    public void Any_byte_but_zero_is_true()
    {
        Assert.True(Wire.FromHex("02", (ref UaReader reader) => reader.Boolean()));
        Assert.Equal("01", Wire.HexOf((ref UaWriter writer) => writer.Boolean(true)));
    }

    [Fact]
    public void A_string_is_its_length_and_its_utf8()
    {
        Assert.Equal("06000000e6b0b4426f79", Wire.HexOf((ref UaWriter writer) => writer.String("水Boy")));
        Assert.Equal("水Boy", Wire.FromHex("06000000e6b0b4426f79", (ref UaReader reader) => reader.String()));
    }

    [Fact]
    public void Null_and_empty_are_not_the_same()
    {
        Assert.Null(Wire.FromHex("ffffffff", (ref UaReader reader) => reader.String()));
        Assert.Equal("", Wire.FromHex("00000000", (ref UaReader reader) => reader.String()));
        Assert.Null(Wire.FromHex("ffffffff", (ref UaReader reader) => reader.ByteStringArray()));
        Assert.Equal([], Wire.FromHex("00000000", (ref UaReader reader) => reader.ByteStringArray())!);
        Assert.Equal("ffffffff", Wire.HexOf((ref UaWriter writer) => writer.String(null)));
        Assert.Equal(
            "ffffffff00000000",
            Wire.HexOf(
                (ref UaWriter writer) =>
                {
                    writer.ByteString((byte[]?)null);
                    writer.ByteString([]);
                }
            )
        );
        Assert.Null(Wire.FromHex("ffffffff", (ref UaReader reader) => reader.Array<int, Elements.Int32>()));
        Assert.Equal([], Wire.FromHex("00000000", (ref UaReader reader) => reader.Array<int, Elements.Int32>())!);
    }

    [Fact]
    public void Bytes_that_are_no_utf8_do_not_hurt() =>
        Assert.Equal("a\uFFFDb", Wire.FromHex("0300000061ff62", (ref UaReader reader) => reader.String()));

    [Fact]
    public void A_guid_has_the_layout_of_the_standard()
    {
        var guid = new Guid("72962B91-FA75-4AE6-8D28-B404DC7DAF63");
        Assert.Equal("912b967275fae64a8d28b404dc7daf63", Wire.HexOf((ref UaWriter writer) => writer.Guid(guid)));
        Assert.Equal(guid, Wire.FromHex("912b967275fae64a8d28b404dc7daf63", (ref UaReader reader) => reader.Guid()));
    }

    [Theory]
    [InlineData("0048", "i=72")]
    [InlineData("01050104", "ns=5;i=1025")]
    [InlineData("02010000000100", "ns=1;i=65536")]
    [InlineData("0301000600000048 6f74e6b0b4", "ns=1;s=Hot水")]
    [InlineData("040500912b967275fae64a8d28b404dc7daf63", "ns=5;g=72962b91-fa75-4ae6-8d28-b404dc7daf63")]
    [InlineData("05020003000000010203", "ns=2;b=AQID")]
    public void Node_ids_take_the_shortest_form(string hex, string text)
    {
        hex = hex.Replace(" ", "", StringComparison.Ordinal);
        var id = Wire.FromHex(hex, (ref UaReader reader) => reader.NodeId().ToNodeId());
        Assert.Equal(text, id.ToString());
        Assert.True(NodeId.TryParse(text, out var parsed));
        Assert.Equal(id, parsed);
        Assert.Equal(hex, Wire.HexOf((ref UaWriter writer) => writer.NodeId(id)));
    }

    [Theory]
    [InlineData("0055")]
    [InlineData("01005500")]
    [InlineData("02000055000000")]
    public void Every_form_of_a_number_is_the_same_id(string hex) =>
        Assert.Equal(NodeId.Of(85), Wire.FromHex(hex, (ref UaReader reader) => reader.NodeId().ToNodeId()));

    [Theory]
    [InlineData("80550000000000")]
    [InlineData("405500000000")]
    [InlineData("0655")]
    [InlineData("ff55")]
    public void A_node_id_with_a_uri_or_of_no_known_form_is_a_decoding_error(string hex) =>
        Assert.Equal(
            StatusCodes.BadDecodingError,
            Wire.StatusOf(Convert.FromHexString(hex), (ref UaReader reader) => reader.NodeId().ToNodeId())
        );

    [Fact]
    public void An_expanded_id_carries_its_uri_and_its_server()
    {
        var id = new ExpandedNodeId(NodeId.Of(85), "urn:x", 7);
        const string hex = "c0550500000075726e3a7807000000";
        Assert.Equal(hex, Wire.HexOf((ref UaWriter writer) => writer.ExpandedNodeId(id)));
        Assert.Equal(id, Wire.FromHex(hex, (ref UaReader reader) => reader.ExpandedNodeId()));
        Assert.True(Wire.FromHex("0055", (ref UaReader reader) => reader.ExpandedNodeId()).IsLocal);
    }

    [Theory]
    [InlineData(0, null, null)]
    [InlineData(1, "de", null)]
    [InlineData(2, null, "")]
    [InlineData(3, "en", "text")]
    public void A_localized_text_says_what_it_has(byte mask, string? locale, string? text)
    {
        var value = new LocalizedText(locale, text);
        var bytes = Wire.Of((ref UaWriter writer) => writer.LocalizedText(value));
        Assert.Equal(mask, bytes[0]);
        Assert.Equal(value, Wire.Whole(bytes, (ref UaReader reader) => reader.LocalizedText()));
    }

    [Theory]
    [InlineData("00", BuiltInType.Null)]
    [InlineData("0101", BuiltInType.Boolean)]
    [InlineData("0606000000", BuiltInType.Int32)]
    [InlineData("0b000000000000f03f", BuiltInType.Double)]
    [InlineData("1300000080", BuiltInType.StatusCode)]
    [InlineData("1a0100000005", BuiltInType.ByteString)]
    [InlineData("1f0100000005", BuiltInType.ByteString)]
    public void A_variant_begins_with_its_type_and_reserved_types_are_byte_strings(string hex, object type) =>
        Assert.Equal((BuiltInType)type, Wire.FromHex(hex, (ref UaReader reader) => reader.Variant()).Type);

    [Fact]
    public void A_variant_has_dimensions_after_its_elements()
    {
        var matrix = Variant.Of([1, 2, 3, 4, 5, 6]).WithDimensions([2, 3]);
        const string hex = "c606000000010000000200000003000000040000000500000006000000020000000200000003000000";
        Assert.Equal(hex, Wire.HexOf((ref UaWriter writer) => writer.Variant(matrix)));
        Assert.Equal(matrix, Wire.FromHex(hex, (ref UaReader reader) => reader.Variant()));
    }

    [Theory]
    [InlineData("18010100000000", "a variant in a variant that is no array")]
    [InlineData("4601000000020000000100000001000000", "dimensions without an array")]
    [InlineData("c6020000000100000002000000020000000200000003000000", "a product that is not the number of elements")]
    [InlineData("c6020000000100000002000000020000000000000003000000", "a dimension of nothing with elements")]
    [InlineData("c601000000010000000200000000ffffffff000000", "a negative dimension")]
    [InlineData("c60000000002000000ffffff7fffffff7f", "a product that overflows")]
    [InlineData("20", "a type beyond the reserved ones")]
    [InlineData("86ffffff7f", "a length that the message cannot hold")]
    [InlineData("8680000000", "a length that the rest cannot hold")]
    public void A_variant_that_contradicts_itself_is_refused(string hex, string why)
    {
        Assert.NotNull(why);
        Assert.True(Wire.StatusOf(Convert.FromHexString(hex), (ref UaReader reader) => reader.Variant()).IsBad);
    }

    [Fact]
    public void A_matrix_without_elements_is_a_value()
    {
        var empty = Wire.FromHex("c60000000002000000000000000500000000"[..34], (ref UaReader reader) => reader.Variant());
        Assert.Equal([0, 5], empty.Dimensions!);
    }

    [Fact]
    public void A_data_value_says_what_it_has()
    {
        for (var mask = 0; mask < 64; mask++)
        {
            var value = new DataValue(
                (mask & 1) != 0 ? Variant.Of(1.5) : default,
                (mask & 2) != 0 ? StatusCodes.UncertainInitialValue : default,
                (mask & 4) != 0 ? 1000 : 0,
                (mask & 8) != 0 ? 2000 : 0,
                (ushort)((mask & 16) != 0 ? 16 : 0),
                (ushort)((mask & 32) != 0 ? 32 : 0)
            );
            var bytes = Wire.Of((ref UaWriter writer) => writer.DataValue(value));
            Assert.Equal(mask, bytes[0]);
            Assert.Equal(value, Wire.Whole(bytes, (ref UaReader reader) => reader.DataValue()));
        }
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(-1, 0)]
    [InlineData(long.MinValue, 0)]
    [InlineData(1, 1)]
    [InlineData(UaDateTime.LastTicks - 1, UaDateTime.LastTicks - 1)]
    [InlineData(UaDateTime.LastTicks, long.MaxValue)]
    [InlineData(long.MaxValue, long.MaxValue)]
    public void Times_are_clamped_both_ways(long onTheWire, long read)
    {
        Assert.Equal(read, Wire.Whole(BitConverter.GetBytes(onTheWire), (ref UaReader reader) => reader.DateTime()));
        Assert.Equal(BitConverter.GetBytes(read), Wire.Of((ref UaWriter writer) => writer.DateTime(onTheWire)));
    }

    [Fact]
    public void Times_of_the_clock_keep_their_hundred_nanoseconds()
    {
        var time = new DateTime(2026, 2, 3, 4, 5, 6, DateTimeKind.Utc).AddTicks(7);
        var ua = UaDateTime.FromTicks(time.Ticks);
        Assert.Equal(time, UaDateTime.ToDateTime(ua));
        Assert.Equal(time.ToFileTimeUtc(), ua);
        Assert.Equal(0, UaDateTime.FromTicks(DateTime.MinValue.Ticks));
        Assert.Equal(long.MaxValue, UaDateTime.FromTicks(DateTime.MaxValue.Ticks));
        Assert.Equal(DateTime.MinValue, UaDateTime.ToDateTime(0));
        Assert.Equal(DateTime.MaxValue, UaDateTime.ToDateTime(long.MaxValue));
    }

    [Fact]
    public void An_unknown_structure_passes_through_as_bytes()
    {
        const string hex = "0102393001050000000102030405";
        var value = Wire.FromHex(hex, (ref UaReader reader) => reader.ExtensionObject());
        Assert.Equal(NodeId.Of(12345, 2), value.TypeId);
        Assert.Equal(hex, Wire.HexOf((ref UaWriter writer) => writer.ExtensionObject(value)));
    }

    [Fact]
    public void Status_codes_have_names_and_severities()
    {
        Assert.Equal("BadNodeIdUnknown", StatusCodes.BadNodeIdUnknown.ToString());
        Assert.Equal("Good", new StatusCode(0x480).ToString());
        Assert.Equal("0x80FF0000", new StatusCode(0x80FF0000).ToString());
        Assert.True(StatusCodes.Good.IsGood && !StatusCodes.Good.IsBad && !StatusCodes.Good.IsUncertain);
        Assert.True(StatusCodes.UncertainInitialValue.IsUncertain && StatusCodes.BadNodeIdUnknown.IsBad);
        Assert.True(new StatusCode(0xC0000000).IsBad);
        Assert.Equal(new StatusCode(0x480), StatusCodes.Good.WithOverflow());
    }
}
