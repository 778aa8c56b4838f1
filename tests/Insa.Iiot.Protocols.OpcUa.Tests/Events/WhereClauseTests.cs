using CsCheck;
using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Events;
using Insa.Iiot.Protocols.OpcUa.Types;
using Microsoft.Extensions.Time.Testing;
using static Insa.Iiot.Protocols.OpcUa.Tests.Events.Filters;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Events;

public sealed class WhereClauseTests
{
    private static readonly EventMaker _maker = new(StandardNodes.Shared, new FakeTimeProvider());

    // Severity 500, of the server, "Pump 7 is hot".
    private static readonly UaEvent _event = new(_maker.OfServer(NodeIds.DeviceFailureEventType, "Pump 7 is hot", 500));

    private static readonly (FilterOperator Operator, object? Left, object? Right, bool? Expected)[] _comparisons =
    [
        (FilterOperator.Equals, 5, 5.0, true),
        (FilterOperator.Equals, 5, "5", true),
        (FilterOperator.Equals, "x", 5, false),
        (FilterOperator.Equals, "a", "A", false),
        (FilterOperator.Equals, true, 1, true),
        (FilterOperator.Equals, true, "true", true),
        (FilterOperator.Equals, double.NaN, double.NaN, false),
        (FilterOperator.Equals, ulong.MaxValue, -1L, false),
        (FilterOperator.Equals, long.MaxValue, (double)long.MaxValue, true),
        (FilterOperator.Equals, null, 5, null),
        (FilterOperator.Equals, 5, null, null),
        (FilterOperator.GreaterThan, 6, 5, true),
        (FilterOperator.GreaterThan, 5, 5, false),
        (FilterOperator.GreaterThan, double.NaN, 5, false),
        (FilterOperator.GreaterThan, "b", "a", true),
        (FilterOperator.GreaterThan, ulong.MaxValue, -1L, true),
        (FilterOperator.GreaterThan, "a", 1, false),
        (FilterOperator.GreaterThan, null, 1, null),
        (FilterOperator.LessThan, -1, 0u, true),
        (FilterOperator.LessThan, 5, "6", true),
        (FilterOperator.LessThan, "a", 1, false),
        (FilterOperator.GreaterThanOrEqual, 5, 5, true),
        (FilterOperator.GreaterThanOrEqual, double.NaN, 5, false),
        (FilterOperator.GreaterThanOrEqual, 5, null, null),
        (FilterOperator.LessThanOrEqual, 5, 5, true),
        (FilterOperator.LessThanOrEqual, 6, 5, false),
        (FilterOperator.LessThanOrEqual, double.NaN, 5, false),
        (FilterOperator.Like, "Pump 7", "Pump _", true),
        (FilterOperator.Like, "Pump 77", "Pump _", false),
        (FilterOperator.Like, null, "%", null),
        (FilterOperator.Like, 5, "%", false),
        (FilterOperator.And, true, true, true),
        (FilterOperator.And, true, false, false),
        (FilterOperator.And, false, null, false),
        (FilterOperator.And, null, false, false),
        (FilterOperator.And, true, null, null),
        (FilterOperator.And, null, null, null),
        (FilterOperator.Or, false, false, false),
        (FilterOperator.Or, false, true, true),
        (FilterOperator.Or, true, null, true),
        (FilterOperator.Or, null, true, true),
        (FilterOperator.Or, false, null, null),
        (FilterOperator.Or, null, null, null),
        (FilterOperator.InList, 5, 5.0, true),
        (FilterOperator.InList, 5, 6, false),
        (FilterOperator.InList, 5, null, null),
    ];

    [Fact]
    public void Two_values_compare_as_the_standard_says() =>
        Assert.All(
            _comparisons,
            each => Assert.Equal(each.Expected, Judge(Element(each.Operator, Literal(Of(each.Left)), Literal(Of(each.Right)))))
        );

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(null, null)]
    public void Not_leaves_what_cannot_be_told(bool? value, bool? expected) =>
        Assert.Equal(expected, Judge(Element(FilterOperator.Not, Literal(Of(value)))));

    [Theory]
    [InlineData("Severity", 100, 500, true)]
    [InlineData("Severity", 501, 900, false)]
    [InlineData("Severity", 500, 500, true)]
    [InlineData("Changes", 1, 2, null)]
    public void Between_takes_both_ends(string path, int least, int most, bool? expected) =>
        Assert.Equal(expected, Judge(Element(FilterOperator.Between, Field(path), Literal(Variant.Of(least)), Literal(Variant.Of(most)))));

    [Theory]
    [InlineData("Severity", false)]
    [InlineData("Changes", true)]
    [InlineData("EnabledState/Id", true)]
    public void A_field_that_the_event_does_not_have_is_null(string path, bool expected) =>
        Assert.Equal(expected, Judge(Element(FilterOperator.IsNull, Field(path))));

    [Theory]
    [InlineData(NodeIds.BaseEventType, true)]
    [InlineData(NodeIds.SystemEventType, true)]
    [InlineData(NodeIds.DeviceFailureEventType, true)]
    [InlineData(NodeIds.AlarmConditionType, false)]
    public void An_event_is_of_its_type_and_of_all_above(uint type, bool expected) =>
        Assert.Equal(expected, Judge(Element(FilterOperator.OfType, Literal(Variant.Of(NodeId.Of(type))))));

    [Theory]
    [InlineData("Message", "Pump 7 is hot")]
    [InlineData("SourceName", "Server")]
    public void Texts_of_all_kinds_compare_with_strings(string path, string text) =>
        Assert.True(Judge(Element(FilterOperator.Equals, Field(path), Literal(Variant.Of(text)))));

    [Fact]
    public void Nodes_compare_with_ids_of_every_form()
    {
        var server = NodeId.Of(NodeIds.Server);
        Assert.True(Judge(Element(FilterOperator.Equals, Field("SourceNode"), Literal(Variant.Of(server)))));
        Assert.True(Judge(Element(FilterOperator.Equals, Field("SourceNode"), Literal(Variant.Of((ExpandedNodeId)server)))));
        Assert.True(
            Judge(
                Element(
                    FilterOperator.Equals,
                    Field("SourceNode"),
                    Literal(Variant.Of(new ExpandedNodeId(server, TenantSpace.UaNamespace)))
                )
            )
        );
        Assert.True(Judge(Element(FilterOperator.Equals, Literal(Variant.Of("i=2253")), Field("SourceNode"))));
        Assert.False(
            Judge(Element(FilterOperator.Equals, Field("SourceNode"), Literal(Variant.Of(new ExpandedNodeId(server, "urn:other")))))
        );
    }

    [Theory]
    [InlineData(500.4, 6, 500)]
    [InlineData(500.5, 6, 501)]
    [InlineData("500", 6, 500)]
    [InlineData(500, 12, "500")]
    [InlineData(500, 3, null)]
    [InlineData("x", 6, null)]
    [InlineData(double.NaN, 6, null)]
    [InlineData(2, 1, true)]
    [InlineData(5, 13, null)]
    public void Cast_converts_or_is_null(object value, uint type, object? expected)
    {
        var cast = Element(FilterOperator.Cast, Literal(Of(value)), Literal(Variant.Of(NodeId.Of(type))));
        if (expected is null)
            Assert.True(Judge(Element(FilterOperator.IsNull, Result(1)), cast));
        else
            Assert.True(Judge(Element(FilterOperator.Equals, Result(1), Literal(Of(expected))), cast));
    }

    [Theory]
    [InlineData(16, 12, 10, 8)]
    [InlineData(17, 12, 10, 14)]
    [InlineData(16, -1, 10, 10)]
    public void Bits_are_joined(int filterOperator, int left, int right, int expected) =>
        Assert.True(
            Judge(
                Element(FilterOperator.Equals, Result(1), Literal(Variant.Of(expected))),
                Element((FilterOperator)filterOperator, Literal(Variant.Of(left)), Literal(Variant.Of((long)right)))
            )
        );

    [Fact]
    public void Bits_of_what_is_no_integer_are_null() =>
        Assert.True(
            Judge(
                Element(FilterOperator.IsNull, Result(1)),
                Element(FilterOperator.BitwiseOr, Literal(Variant.Of(1.0)), Literal(Variant.Of(1)))
            )
        );

    [Fact]
    public void Something_that_contradicts_itself_is_never_true() =>
        Assert.False(
            Passes(
                Element(FilterOperator.And, Result(1), Result(2)),
                Element(FilterOperator.Equals, Field("Severity"), Literal(Variant.Of((ushort)500))),
                Element(FilterOperator.Equals, Field("Severity"), Literal(Variant.Of((ushort)501)))
            )
        );

    [Fact]
    public void What_is_no_boolean_passes_nothing()
    {
        Assert.False(Passes(Element(FilterOperator.BitwiseOr, Literal(Variant.Of(1)), Literal(Variant.Of(1)))));
        Assert.False(Passes(Element(FilterOperator.Equals, Field("Changes"), Literal(Variant.Of(1)))));
        Assert.False(Passes(Element(FilterOperator.Or, Literal(Variant.Of(1)), Literal(Variant.Of("true")))));
    }

    [Theory]
    [InlineData("%", "", true)]
    [InlineData("%", "anything", true)]
    [InlineData("main%", "main_valve", true)]
    [InlineData("%en%", "sent", true)]
    [InlineData("%en%", "set", false)]
    [InlineData("BLA_", "BLAA", true)]
    [InlineData("BLA_", "BLAAA", false)]
    [InlineData("_H[ae][ia]%", "THai", true)]
    [InlineData("[abc]3", "b3", true)]
    [InlineData("[^13-5]th", "2th", true)]
    [InlineData("[^13-5]th", "4th", false)]
    [InlineData("[a-c][-x]", "b-", true)]
    [InlineData("100\\%", "100%", true)]
    [InlineData("100\\%", "1000", false)]
    [InlineData("a%b%c", "a..b..b..c", true)]
    [InlineData("a%b%c", "a..b..b..d", false)]
    [InlineData("", "", true)]
    [InlineData("", "x", false)]
    public void Patterns_match_as_the_standard_says(string pattern, string text, bool expected)
    {
        Assert.True(LikePattern.TryParse(pattern, out var parsed));
        Assert.Equal(expected, parsed.Matches(text));
    }

    [Fact]
    public void A_pattern_takes_no_longer_than_its_length_times_the_text()
    {
        Assert.True(LikePattern.TryParse(string.Concat(Enumerable.Repeat("%a", 500)) + "b", out var pattern));
        Assert.False(pattern.Matches(new string('a', 4096)));
        Assert.False(LikePattern.TryParse("[abc", out _));
        Assert.False(LikePattern.TryParse(new string('x', 2000), out _));
    }

    [Fact]
    public void Trees_of_operators_come_out_as_they_do_in_logic() =>
        Gen.Int[0, int.MaxValue - 1]
            .Sample(seed =>
            {
                var random = new Random(seed);
                var (elements, expected) = AnyTree(random);
                return Judge(elements) == expected;
            });

    [Fact]
    public void Whatever_a_filter_says_nothing_is_thrown_and_a_bad_one_is_told() =>
        Gen.Int[0, int.MaxValue - 1]
            .Sample(seed =>
            {
                var filter = new AnyFilter(new Random(seed)).Make();
                var status = TryRead(filter, out var query, out var result);
                if (!status.IsGood)
                    return status == StatusCodes.BadEventFilterInvalid
                        && result!.SelectClauseResults!.Length == filter.SelectClauses!.Length
                        && result.WhereClauseResult.ElementResults!.Length == filter.WhereClause.Elements!.Length;
                query!.Passes(_event);
                for (var i = 0; i < query.FieldCount; i++)
                    query.FieldOf(_event, i);
                return true;
            });

    // The value of an element that comes after others is known by then, as it has to be built from the last one.
    private static (ContentFilterElement[] Elements, bool? Value) AnyTree(Random random)
    {
        var count = random.Next(1, 20);
        var elements = new ContentFilterElement[count];
        var values = new bool?[count];
        for (var i = count - 1; i >= 0; i--)
        {
            var (one, first) = AnyOperand(random, values, i);
            var (other, second) = AnyOperand(random, values, i);
            switch (random.Next(3))
            {
                case 0:
                    (elements[i], values[i]) = (Element(FilterOperator.Not, one), !first);
                    break;
                case 1:
                    (elements[i], values[i]) = (Element(FilterOperator.And, one, other), first & second);
                    break;
                default:
                    (elements[i], values[i]) = (Element(FilterOperator.Or, one, other), first | second);
                    break;
            }
        }

        return (elements, values[0]);
    }

    private static (ExtensionObject Operand, bool? Value) AnyOperand(Random random, bool?[] values, int number)
    {
        if (random.Next(3) > 0 && number + 1 < values.Length)
        {
            var element = random.Next(number + 1, values.Length);
            return (Result((uint)element), values[element]);
        }

        bool? value = random.Next(3) switch
        {
            0 => true,
            1 => false,
            _ => null,
        };
        return (Literal(Of(value)), value);
    }

    private static bool Passes(params ContentFilterElement[] where)
    {
        Assert.Equal(StatusCodes.Good, TryRead(Filters.Of(null, where), out var query, out _));
        return query!.Passes(_event);
    }

    // What cannot be told passes neither as it is nor the other way round.
    private static bool? Judge(params ContentFilterElement[] where)
    {
        if (Passes(where))
            return true;
        ContentFilterElement[] negated =
        [
            Element(FilterOperator.Not, Filters.Result(1)),
            .. where.Select(element => Element(element.FilterOperator, [.. element.FilterOperands!.Select(Shift)])),
        ];
        return Passes(negated) ? false : null;
    }

    private static ExtensionObject Shift(ExtensionObject operand) =>
        operand.Structure is ElementOperand element ? Filters.Result(element.Index + 1) : operand;

    private static Variant Of(object? value) =>
        value switch
        {
            bool boolean => Variant.Of(boolean),
            int number => Variant.Of(number),
            uint number => Variant.Of(number),
            long number => Variant.Of(number),
            ulong number => Variant.Of(number),
            double number => Variant.Of(number),
            string text => Variant.Of(text),
            _ => default,
        };
}
