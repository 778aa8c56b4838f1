using System.Text.Json.Nodes;
using Insa.Iiot.AspNetCore.Api;
using Insa.Iiot.AspNetCore.Guards;
using Insa.Iiot.AspNetCore.Http;
using Insa.Iiot.AspNetCore.Idempotency;
using Insa.Iiot.AspNetCore.Problems;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Insa.Iiot.AspNetCore.OpenApi;

/// <summary>Tells the OpenAPI document what types do not say: who may call, which headers are taken, which problems come back.</summary>
internal static class OpenApiSetup
{
    public const string Document = "v1";

    private const string Bearer = "bearer";
    private const string Device = "device";
    private const string ProblemSchema = "Problem";
    private const string TelemetrySchema = "TelemetryMessage";

    public static void Configure(OpenApiOptions options)
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
        options.ShouldInclude = description => description.ActionDescriptor.EndpointMetadata.OfType<RestEndpoint>().Any();
        options.CreateSchemaReferenceId = type =>
            type.Type.IsAssignableTo(typeof(JsonNode)) || type.Type == typeof(InlineJson)
                ? null
                : OpenApiOptions.CreateDefaultSchemaReferenceId(type);
        options.AddSchemaTransformer((schema, _, _) => Describe(schema));
        options.AddDocumentTransformer((document, _, _) => Describe(document));
        options.AddOperationTransformer((operation, context, _) => Describe(operation, context));
    }

    // Bodies are read strictly whatever the host has set for its own: a number is never a text.
    private static Task Describe(OpenApiSchema schema)
    {
        if (schema.Type is { } type && (type.HasFlag(JsonSchemaType.Integer) || type.HasFlag(JsonSchemaType.Number)))
        {
            schema.Type = type & ~JsonSchemaType.String;
            schema.Pattern = null;
        }

        return Task.CompletedTask;
    }

    private static Task Describe(OpenApiDocument document)
    {
        document.Info = new OpenApiInfo
        {
            Title = "Insa.Iiot",
            Version = Document,
            Description =
                "Telemetry, devices and tenants. The tenant is that of the credential. Refusals are problem details (RFC 9457); their types are part "
                + $"of the API: {string.Join(", ", ProblemKind.All.Select(kind => kind.Name))}.",
        };

        // Where it is served from is for the client to know.
        document.Servers = [];
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal)
        {
            [Bearer] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                Description = "An access token or an API key.",
            },
            [Device] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "basic",
                Description = "A device: device@tenant, and its secret.",
            },
        };
        document.Components.Schemas ??= new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal);
        document.Components.Schemas[ProblemSchema] = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Required = new HashSet<string>(StringComparer.Ordinal) { "type", "title", "status", "detail" },
            Properties = new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal)
            {
                ["type"] = new OpenApiSchema { Type = JsonSchemaType.String, Format = "uri" },
                ["title"] = new OpenApiSchema { Type = JsonSchemaType.String },
                ["status"] = new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int32" },
                ["detail"] = new OpenApiSchema { Type = JsonSchemaType.String },
                ["field"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "What of the request is at fault." },
                ["subject"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "The permission, feature or limit." },
            },
        };
        document.Components.Schemas[TelemetrySchema] = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Required = new HashSet<string>(StringComparer.Ordinal) { "data" },
            Properties = new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal)
            {
                ["data"] = new OpenApiSchema
                {
                    Type = JsonSchemaType.Object,
                    AdditionalProperties = new OpenApiSchema(),
                    Description = "Values by metric, such as {\"temperature\":21.5}.",
                },
                ["timestamp"] = new OpenApiSchema
                {
                    Type = JsonSchemaType.String,
                    Format = "date-time",
                    Description = "When it was measured; when it comes if missing. A number is Unix time in milliseconds.",
                },
                ["quality"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "good, uncertain or bad" },
                ["device_id"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "From a gateway: the device it is of." },
            },
        };
        return Task.CompletedTask;
    }

    private static Task Describe(OpenApiOperation operation, OpenApiOperationTransformerContext context)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        var plan = metadata.OfType<GuardPlan>().LastOrDefault();
        var takesBody = operation.RequestBody is not null;
        operation.Responses ??= [];
        if (metadata.OfType<TelemetryBody>().Any())
        {
            DescribeTelemetry(operation, context);
            takesBody = true;
        }

        var isOfDevice = plan is null && metadata.OfType<TelemetryBody>().Any();
        if (plan is not null || isOfDevice)
        {
            operation.Security = [new() { [new OpenApiSecuritySchemeReference(isOfDevice ? Device : Bearer, context.Document)] = [] }];
            Problem(operation, context, 401, "The credential does not hold.");
            Problem(operation, context, 403, "The caller may not do it.");
        }
        else
            operation.Security = [];

        if (plan is { PermissionNames: { Length: > 0 } permissions })
            operation.AddExtension("x-permissions", new JsonNodeExtension(new JsonArray([.. permissions.Select(name => (JsonNode)name)])));
        if (plan is { NeedsOperator: true })
            operation.AddExtension("x-operator", new JsonNodeExtension(true));
        foreach (var trait in metadata.OfType<ProblemTrait>())
            Problem(operation, context, (int)trait.Kind.Status, trait.Description);
        if (takesBody || operation.Parameters is { Count: > 0 })
            Problem(operation, context, 400, "The request is not valid.");
        if (takesBody)
            Problem(operation, context, 413, "The request is too large.");
        if (takesBody)
            Problem(operation, context, 415, "The content type is not known.");
        if (context.Description.RelativePath!.Contains('{', StringComparison.Ordinal) || takesBody)
            Problem(operation, context, 404, "There is no such thing, or it is not yours.");
        if (context.Description.HttpMethod != "GET")
            Problem(operation, context, 409, "It cannot be done in this state.");
        Problem(operation, context, 429, "Too much in too short a time.");
        Problem(operation, context, 503, "The host cannot do it now.");
        if (metadata.OfType<VersionTrait>().Any())
        {
            Header(operation, "If-Match", "The ETag of what was read, or * for any.", isRequired: true);
            Problem(operation, context, 412, "It is of another version by now.");
            Problem(operation, context, 428, "If-Match is missing.");
        }

        if (metadata.OfType<IdempotencyTrait>().Any())
        {
            Header(
                operation,
                IdempotencyFilter.Header,
                "A random UUID: with the same key the same request is done once.",
                isRequired: false
            );
            Problem(operation, context, 422, "The idempotency key was used for another request.");
        }

        return Task.CompletedTask;
    }

    private static void DescribeTelemetry(OpenApiOperation operation, OpenApiOperationTransformerContext context) =>
        operation.RequestBody = new OpenApiRequestBody
        {
            Required = true,
            Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal)
            {
                ["application/json"] = new()
                {
                    // One may come without the array; generators make a worse client of the choice than of the array.
                    Schema = new OpenApiSchema
                    {
                        Type = JsonSchemaType.Array,
                        Items = new OpenApiSchemaReference(TelemetrySchema, context.Document),
                        Description = "One message may also come without the array.",
                    },
                },
                ["application/cbor"] = new() { Schema = new OpenApiSchema { Description = "The same in CBOR (RFC 8949)" } },
                ["application/senml+json"] = new() { Schema = new OpenApiSchema { Description = "RFC 8428" } },
                ["application/senml+cbor"] = new() { Schema = new OpenApiSchema { Description = "RFC 8428" } },
                ["text/plain"] = new()
                {
                    Schema = new OpenApiSchema { Type = JsonSchemaType.String, Description = "A bare number." },
                },
            },
        };

    private static void Header(OpenApiOperation operation, string name, string description, bool isRequired)
    {
        operation.Parameters ??= [];
        operation.Parameters.Add(
            new OpenApiParameter
            {
                Name = name,
                In = ParameterLocation.Header,
                Required = isRequired,
                Description = description,
                Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            }
        );
    }

    private static void Problem(OpenApiOperation operation, OpenApiOperationTransformerContext context, int status, string description) =>
        operation.Responses!.TryAdd(
            status.ToString(System.Globalization.CultureInfo.InvariantCulture),
            new OpenApiResponse
            {
                Description = description,
                Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal)
                {
                    [Problems.Problem.MediaType] = new() { Schema = new OpenApiSchemaReference(ProblemSchema, context.Document) },
                },
            }
        );
}
