using Insa.Iiot.AspNetCore.Problems;

namespace Insa.Iiot.AspNetCore.Http;

/// <summary>A problem that an endpoint answers of its own.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Description">When, for the OpenAPI document.</param>
internal sealed record ProblemTrait(ProblemKind Kind, string Description);
